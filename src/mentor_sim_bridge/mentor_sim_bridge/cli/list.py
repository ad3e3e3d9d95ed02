"""``python -m mentor_sim_bridge list``: print the ids of all environments, one a line."""

from __future__ import annotations

import argparse

from mentor_sim_bridge.cli.environments import PAPER, known_ids


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--paper", action="store_true", help="only the paper's tasks")
    parser.add_argument("word", nargs="*", help="only ids that contain all these words")


def run(options: argparse.Namespace) -> int:
    """Print the ids; return the exit code."""
    for name in known_ids():
        short = name.removeprefix("mentor/").removesuffix("-v0")
        if options.paper and short not in PAPER:
            continue
        if all(word in name for word in options.word):
            print(name)
    return 0
