"""``python -m mentor_policy``: train, evaluate, info, ring-from-bag, bag-from-ring."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mentor_common.bags.mcap_file import BagWriteError
from mentor_common.bags.reader import BagError
from mentor_policy.agents.base import NonFiniteGradientError
from mentor_policy.cli import bag_from_ring, evaluate, info, ring_from_bag, train
from mentor_policy.config import ConfigError
from mentor_policy.replay import ReplayError
from mentor_policy.training.checkpoint import CheckpointError
from mentor_policy.training.environment import UnfitEnvironmentError
from mentor_policy.training.run_folder import RunFolderError

COMMANDS = {
    "train": train, "evaluate": evaluate, "info": info, "ring-from-bag": ring_from_bag,
    "bag-from-ring": bag_from_ring,
}  # fmt: skip
REFUSALS = (
    BagError, BagWriteError, CheckpointError, ConfigError, NonFiniteGradientError, ReplayError,
    RunFolderError, UnfitEnvironmentError,
)  # fmt: skip
"""Errors that say all that there is to say: printed in one line, exit code 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m mentor_policy", description="Visual reinforcement learning agents."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        assert module.__doc__ is not None
        summary = module.__doc__.partition(": ")[2]
        shown = summary.replace("%", "%%")  # argparse formats the one and not the other
        command = commands.add_parser(name, help=shown, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except REFUSALS as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
