"""``python -m mentor_recorder cut``: some episodes of a bag as a bag of their own."""

from __future__ import annotations

import argparse
from pathlib import Path

from mentor_common.bags.reader import Bag
from mentor_recorder.bags.cut import cut, parse_episodes
from mentor_recorder.bags.summary import episodes_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bag", type=Path, help="folder of a bag, or an .mcap file")
    parser.add_argument("output", type=Path, help="folder of the new bag")
    parser.add_argument(
        "--episodes", required=True,
        help="positions in the bag or episode numbers, e.g. 0-2,5 or -1 for the last",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Cut; return the exit status."""
    bag = Bag(options.bag)
    episodes = parse_episodes(options.episodes, episodes_of(bag).steps)
    count = cut(bag, options.output, episodes)
    print(f"{options.output}: {count} messages of {len(episodes)} episode(s)")
    return 0
