"""``python -m mentor_policy ring-from-bag``: the steps of bags as a replay ring."""

from __future__ import annotations

import argparse
from pathlib import Path

from mentor_common.bags.reader import Bag
from mentor_policy.replay import ReplayError, ReplayRing, RingHeader
from mentor_policy.replay.bag_steps import BagSteps, bag_layout


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bags", type=Path, nargs="+", help="folders of bags, oldest first")
    parser.add_argument("ring", type=Path, help="folder of the ring, which must be new")
    parser.add_argument("--capacity", type=int, default=100_000, help="records it learns from")
    parser.add_argument("--spare", type=int, default=2000, help="records kept beyond these")


def run(options: argparse.Namespace) -> int:
    """Convert; return the exit code."""
    if (options.ring / "ring.json").exists():
        raise ReplayError(f"{options.ring} holds a replay ring already; name another folder")
    layout, action_size, state_size = bag_layout(Bag(options.bags[0]))
    header = RingHeader(layout, action_size, state_size, options.capacity, options.spare)
    steps = BagSteps(options.bags)
    ring = ReplayRing(options.ring, header, expected=steps.most)
    try:
        for step in steps:
            ring.append(step)
        ring.sync()
        print(f"{options.ring}: {ring.count} records of {ring.latest_episode() + 1} episodes")
    finally:
        ring.close()
    return 0
