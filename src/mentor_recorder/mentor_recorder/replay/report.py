"""The summary of a comparison: what differs, what has changed since, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mentor_common.bags.reader import Bag
from mentor_recorder.bags.cell_checks import check_cell
from mentor_recorder.replay.origin_changes import named_files, origin_changes
from mentor_recorder.replay.tally import Tally

IDENTICAL, DIFFERENT, NOTHING_COMPARED = 0, 1, 2
"""Exit statuses of a comparison."""
PACKAGES = {"observation": "mentor_camera", "reward": "mentor_reward", "action": "mentor_policy"}
"""Who makes each part, besides mentor_common."""


@dataclass(frozen=True)
class Report:
    """The outcome of a comparison.

    Args:
        lines: lines of the summary.
        result: in one line.
        status: exit status of the process.
    """

    lines: list[str]
    result: str
    status: int


def report(bag: Bag, tallies: Mapping[str, Tally], positions: dict[int, int]) -> Report:
    """Sum up a comparison.

    Args:
        bag: bag that was replayed.
        tallies: tallies of its parts, by relative topic name.
        positions: places of the episodes in the bag, by number.
    """
    changes, data_changed, code = origin_changes(bag)
    compared = sum(tally.compared for tally in tallies.values())
    lines = [f"replay of {bag.path}", *(f"since then: {change}" for change in changes)]
    for name, tally in tallies.items():
        lines += tally.lines(positions)
        if (tally.differing or tally.missing) and code is not None:
            lines.append(_changed_code(tally.node, PACKAGES[name], code))
    cell = check_cell(bag)
    lines += cell.lines()
    differs = any(tally.bad for tally in tallies.values()) or bool(cell.draws or cell.window)
    if differs:
        result = "the replay is NOT what was recorded"
    elif not compared:
        result = "nothing could be compared"
    elif data_changed:
        result = "the same to the bit, though data behind it has changed (above)"
    else:
        result = "the replay is what was recorded, to the bit"
    status = DIFFERENT if differs or data_changed else IDENTICAL
    return Report(lines, result, status if compared or differs else NOTHING_COMPARED)


def _changed_code(node: str, package: str, code: list[str]) -> str:
    """Return whether the code of a node that makes something else has changed, and which files."""
    for name in (package, "mentor_common"):
        changed = [file for file in code if file.startswith(f"{name}/")]
        if changed:
            return f"  changed since in {name}: {named_files(changed)}"
    return (
        f"  no file of {package} or mentor_common has changed since: look at what the {node} "
        "was given, and at the libraries"
    )


def write_report(path: Path, bag: Bag, made: Report, tallies: Mapping[str, Tally]) -> None:
    """Write a summary as JSON."""
    content = {
        "bag": str(bag.path),
        "result": made.result,
        "summary": made.lines,
        "parts": {name: tally.summary() for name, tally in tallies.items()},
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
