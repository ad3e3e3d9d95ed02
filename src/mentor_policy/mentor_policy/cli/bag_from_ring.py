"""``python -m mentor_policy bag-from-ring``: a replay ring as a bag."""

from __future__ import annotations

import argparse
from pathlib import Path

from mentor_policy.replay import ReplayRing
from mentor_policy.replay.bag_steps import write_ring_as_bag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("ring", type=Path, help="folder of the ring, e.g. runs/.../replay")
    parser.add_argument("bag", type=Path, help="folder of the bag, which must be new")


def run(options: argparse.Namespace) -> int:
    """Convert; return the exit code."""
    ring = ReplayRing(options.ring, writable=False)
    try:
        print(f"{options.bag}: {write_ring_as_bag(ring, options.bag)} steps")
    finally:
        ring.close()
    return 0
