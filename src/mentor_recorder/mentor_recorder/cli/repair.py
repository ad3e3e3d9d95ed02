"""``python -m mentor_recorder repair``: close the files that a killed recorder left open."""

from __future__ import annotations

import argparse
from pathlib import Path

from mentor_recorder.bags.repair import repair


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bag", type=Path, help="folder of a bag")


def run(options: argparse.Namespace) -> int:
    """Repair; return the exit status."""
    for line in repair(options.bag):
        print(line)
    return 0
