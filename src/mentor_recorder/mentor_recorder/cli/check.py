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
    result = "the bag is whole" if not findings.problems else f"{len(findings.problems)} problem(s)"
    print(
        f"bag {bag.path}: {sum(bag.counts.values())} messages, {findings.steps} complete steps; "
        f"{result}"
    )
    return 1 if findings.problems else 0


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
