"""``python -m mentor_recorder check``: whether a bag is whole, with no gap and no double."""

from __future__ import annotations

import argparse
from pathlib import Path

from mentor_common.bags.reader import Bag
from mentor_recorder.bags.cell_checks import check_cell
from mentor_recorder.bags.check import check
from mentor_recorder.bags.summary import episodes_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bag", type=Path, help="folder of a bag, or an .mcap file")


def run(options: argparse.Namespace) -> int:
    """Print; return the exit status: 0 if the bag is whole, else 1."""
    bag = Bag(options.bag)
    findings = check(bag)
    cell = check_cell(bag)
    findings.problems += cell.draws + cell.window
    for problem in findings.problems:
        print(f"problem: {problem}")
    for line in cell.lines():
        print(line)
    positions = {number: position for position, number in enumerate(episodes_of(bag).steps)}
    contradicted = sorted(
        (positions[episode], step, episode, text)
        for (episode, step), text in cell.contradicted.items()
    )
    for line in _runs(contradicted):
        print(line)
    if cell.rewards:
        print(f"{len(cell.contradicted)} of {cell.rewards} rewards contradict the ground truth")
    if longest := _longest([(position, step) for position, step, *_ in contradicted]):
        position, first, last = longest
        print(f"most of them in a row: episode {position} steps {first} to {last}; begin there")
    result = "the bag is whole" if not findings.problems else f"{len(findings.problems)} problem(s)"
    print(
        f"bag {bag.path}: {sum(bag.counts.values())} messages, {findings.steps} complete steps; "
        f"{result}"
    )
    return 1 if findings.problems else 0


def _longest(steps: list[tuple[int, int]]) -> tuple[int, int, int] | None:
    """Return episode, first and last step of the longest row; None: no two follow each other.

    Args:
        steps: position of the episode and step, in order.
    """
    rows: list[tuple[int, int, int]] = []
    for position, step in steps:
        if rows and (position, step - 1) == (rows[-1][0], rows[-1][2]):
            rows[-1] = (position, rows[-1][1], step)
        else:
            rows.append((position, step, step))
    longest = max(rows, key=lambda row: row[2] - row[1], default=None)
    return longest if longest is not None and longest[2] > longest[1] else None


def _runs(contradicted: list[tuple[int, int, int, str]]) -> list[str]:
    """Return a line for each run of steps that are wrong in the same way.

    Args:
        contradicted: position and step, number of the episode, and what is wrong, in order.
    """
    runs: list[tuple[int, int, int, int, str]] = []
    for position, step, episode, text in contradicted:
        if runs and (position, step - 1, text) == (runs[-1][0], runs[-1][2], runs[-1][4]):
            runs[-1] = (position, runs[-1][1], step, episode, text)
        else:
            runs.append((position, step, step, episode, text))
    return [
        f"reward of episode {position} ({episode}) "
        f"{f'step {first}' if first == last else f'steps {first} to {last}'}: {text}"
        for position, first, last, episode, text in runs
    ]
