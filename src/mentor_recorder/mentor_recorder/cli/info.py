"""``python -m mentor_recorder info``: what is in a bag, and where it comes from."""

from __future__ import annotations

import argparse
from pathlib import Path

from mentor_common.bags.reader import Bag
from mentor_recorder.bags.summary import describe, episodes_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bag", type=Path, help="folder of a bag, or an .mcap file")
    parser.add_argument("--episodes", action="store_true", help="list every episode")


def run(options: argparse.Namespace) -> int:
    """Print; return the exit status."""
    bag = Bag(options.bag)
    print("\n".join(describe(bag)))
    if options.episodes:
        episodes = episodes_of(bag)
        for position, (episode, steps) in enumerate(episodes.steps.items()):
            purpose = episodes.purposes.get(episode) or "training"
            print(f"  {position:>5}  episode {episode}  {steps} steps  {purpose}")
    return 0
