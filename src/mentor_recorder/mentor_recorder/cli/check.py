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
    for position, step, episode, text in contradicted:
        print(f"reward of episode {position} ({episode}) step {step}: {text}")
    if cell.rewards:
        print(f"{len(cell.contradicted)} of {cell.rewards} rewards contradict the ground truth")
    result = "the bag is whole" if not findings.problems else f"{len(findings.problems)} problem(s)"
    print(
        f"bag {bag.path}: {sum(bag.counts.values())} messages, {findings.steps} complete steps; "
        f"{result}"
    )
    return 1 if findings.problems else 0
