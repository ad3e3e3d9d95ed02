"""Counts what a comparison found, and puts it into a summary that a person can act on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mentor_recorder.replay.compare import Difference

GROUPS = 6
"""Groups of differences that are written out."""
SHOWN = 3
"""Differences of a step, and causes, that are written out; of further ones the number is given."""


@dataclass
class Tally:
    """The comparison of one part: observations, rewards, mean actions, ...

    Args:
        name: name of the part, plural.
        node: who makes it.
    """

    name: str
    node: str
    identical: int = 0
    differing: list[tuple[int, int]] = field(default_factory=list)
    """Episode and step of each difference, in order."""
    first: list[Difference] = field(default_factory=list)
    largest: tuple[float, int, int, str] | None = None
    groups: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[int, int, Difference]] = field(default_factory=dict)
    """The first difference of each group."""
    sources: Counter[str] = field(default_factory=Counter)
    missing: list[tuple[int, int]] = field(default_factory=list)
    """Steps of which nothing arrived."""
    additional: list[tuple[int, int]] = field(default_factory=list)
    """Steps of which something arrived that was not recorded."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Steps that could not be compared, by reason."""

    @property
    def compared(self) -> int:
        """Steps that were compared."""
        return self.identical + len(self.differing)

    @property
    def bad(self) -> bool:
        """Whether anything is not as it was recorded."""
        return bool(self.differing or self.missing or self.additional)

    def add(self, episode: int, step: int, differences: list[Difference]) -> None:
        """Count the comparison of a step."""
        if not differences:
            self.identical += 1
            return
        if not self.differing:
            self.first = differences
        self.differing.append((episode, step))
        for difference in differences:
            self.groups[difference.group] += 1
            self.examples.setdefault(difference.group, (episode, step, difference))
            if difference.source:
                self.sources[difference.source] += 1
            if self.largest is None or difference.size > self.largest[0]:
                self.largest = (difference.size, episode, step, difference.field)

    def skip(self, reason: str, count: int = 1) -> None:
        """Count steps that cannot be compared."""
        self.skipped[reason] += count

    def summary(self) -> dict[str, Any]:
        """Return all that was counted, as JSON knows it."""
        return {
            "compared": self.compared,
            "identical": self.identical,
            "different": self.differing,
            "not_compared": dict(self.skipped),
            "missing": self.missing,
            "additional": self.additional,
            "first": [str(difference) for difference in self.first],
        }

    def lines(self, positions: dict[int, int]) -> list[str]:
        """Return the summary.

        Args:
            positions: places of the episodes in the bag, by number.
        """

        def where(key: tuple[int, int]) -> str:
            return f"episode {key[0]} (position {positions.get(key[0], -1)}) step {key[1]}"

        head = f"{self.name} ({self.node}): {self.compared} compared"
        if not self.compared and not self.bad:
            return [f"{head}", *self._skipped()]
        if not self.bad:
            return [f"{head}, all identical to the bit", *self._skipped()]
        lines = [f"{head}, {self.identical} identical, {len(self.differing)} DIFFERENT"]
        if self.differing:
            share = 100.0 * len(self.differing) / self.compared
            lines.append(f"  first at {where(self.differing[0])}:")
            lines += [f"    {difference}" for difference in self.first[:SHOWN]]
            if len(self.first) > SHOWN:
                lines.append(f"    and {len(self.first) - SHOWN} more fields of that step")
            lines.append(
                f"  how often: {share:.3g} % of the steps, the last at {where(self.differing[-1])}"
            )
            lines += self._groups(where)
            if self.sources:
                causes = ", ".join(f"{name} ({n})" for name, n in self.sources.most_common(SHOWN))
                more = f" and {len(self.sources) - SHOWN} more" * (len(self.sources) > SHOWN)
                lines.append(f"  made from: {causes}{more}")
            if self.largest is not None and self.largest[0] > 0.0:
                size, episode, step, name = self.largest
                lines.append(f"  largest: {size:g} at {where((episode, step))}, {name}")
        if self.missing:
            lines.append(
                f"  nothing came of {len(self.missing)} steps, the first {where(self.missing[0])}"
            )
        if self.additional:
            lines.append(
                f"  {len(self.additional)} came that were not recorded, the first "
                f"{where(self.additional[0])}"
            )
        return lines + self._skipped()

    def _groups(self, where: Callable[[tuple[int, int]], str]) -> list[str]:
        """Return what differs, and the first difference of each group but the first step's."""
        names = ", ".join(f"{name} ({n})" for name, n in self.groups.most_common(GROUPS))
        lines = [f"  what: {names}"]
        for name, _ in self.groups.most_common(GROUPS):
            episode, step, difference = self.examples[name]
            if (episode, step) != self.differing[0]:
                lines.append(f"  {name} first at {where((episode, step))}: {difference}")
        return lines

    def _skipped(self) -> list[str]:
        return [f"  not compared: {count} ({why})" for why, count in self.skipped.most_common()]
