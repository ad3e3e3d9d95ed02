"""The page's table of nodes: what each reported last. Bounded, as anybody may report any name."""

from __future__ import annotations

from typing import Any

ROWS = 64
"""Nodes that are shown."""
VALUES = 64
"""Values of a node that are shown."""
LETTERS = 300
"""Letters of a text that are shown."""
SILENT = 5.0
"""Seconds after which a node that reported is shown as silent."""


class NodeTable:
    """Holds a row for each node that reports.

    In a full table a new name takes the place of the silent one that has reported least; else its
    report is dropped, and a last row counts those.
    """

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self._dropped = 0

    def add(self, status: Any, now: float) -> None:
        """Take in a DiagnosticStatus; ``now`` in seconds of any steady clock."""
        name = status.name[:LETTERS]
        row = self._rows.get(name)
        if row is None:
            if len(self._rows) >= ROWS and not self._make_room(now):
                self._dropped += 1
                return
            row = self._rows[name] = {"name": name, "reports": 0}
        level = status.level[0] if isinstance(status.level, bytes) else int(status.level)
        row.update(
            level=level,
            message=status.message[:LETTERS],
            values={e.key[:LETTERS]: e.value[:LETTERS] for e in status.values[:VALUES]},
            at=now,
            reports=row["reports"] + 1,
        )

    def rows(self, now: float) -> list[dict[str, Any]]:
        """Return name, level (3: silent), message and values of each node, by name."""
        shown = []
        for name in sorted(self._rows):
            row = {k: v for k, v in self._rows[name].items() if k not in ("at", "reports")}
            quiet = now - self._rows[name]["at"]
            if quiet > SILENT:
                row.update(level=3, message=f"silent for {quiet:.0f} s")
            shown.append(row)
        if self._dropped:
            message = f"{self._dropped} reports of names beyond these {ROWS} were dropped"
            shown.append({"name": "further nodes", "level": 1, "message": message, "values": {}})
        return shown

    def _make_room(self, now: float) -> bool:
        silent = [name for name, row in self._rows.items() if now - row["at"] > SILENT]
        if not silent:
            return False
        del self._rows[min(silent, key=lambda name: self._rows[name]["reports"])]
        return True
