"""The summary of a comparison: what differs, what has changed since, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mentor_common.bags.reader import Bag
from mentor_recorder.bags.cell_checks import check_cell
from mentor_recorder.replay.origin_changes import origin_changes
from mentor_recorder.replay.tally import Tally

IDENTICAL, DIFFERENT, NOTHING_COMPARED = 0, 1, 2
"""Exit statuses of a comparison."""


@dataclass(frozen=True)
class Report:
    """The outcome of a comparison.

    Args:
        lines: of the summary.
        verdict: in one line.
        status: exit status of the process.
    """

    lines: list[str]
    verdict: str
    status: int


def report(bag: Bag, tallies: Mapping[str, Tally], positions: dict[int, int]) -> Report:
    """Sum up a comparison.

    Args:
        bag: that was replayed.
        tallies: of its parts, by relative topic name.
        positions: of the episodes in the bag, by number.
    """
    changes, data_changed = origin_changes(bag)
    compared = sum(tally.compared for tally in tallies.values())
    lines = [f"replay of {bag.path}", *(f"since then: {change}" for change in changes)]
    for tally in tallies.values():
        lines += tally.lines(positions)
    cell = check_cell(bag)
    lines += cell.lines()
    differs = any(tally.bad for tally in tallies.values()) or bool(cell.draws or cell.window)
    if differs:
        verdict = "the replay is NOT what was recorded"
    elif not compared:
        verdict = "nothing could be compared"
    elif data_changed:
        verdict = "the same to the bit, though data behind it has changed (above)"
    else:
        verdict = "the replay is what was recorded, to the bit"
    status = DIFFERENT if differs or data_changed else IDENTICAL
    return Report(lines, verdict, status if compared or differs else NOTHING_COMPARED)


def write_report(path: Path, bag: Bag, made: Report, tallies: Mapping[str, Tally]) -> None:
    """Write a summary as JSON."""
    content = {
        "bag": str(bag.path),
        "verdict": made.verdict,
        "summary": made.lines,
        "parts": {name: tally.summary() for name, tally in tallies.items()},
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
