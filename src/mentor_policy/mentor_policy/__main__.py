"""``python -m mentor_policy``: train, evaluate, info, ring-from-bag, bag-from-ring."""

from __future__ import annotations

import sys

from mentor_common.bags.mcap_file import BagWriteError
from mentor_common.bags.reader import BagError
from mentor_common.cli.commands import command_line
from mentor_common.tasks.task import TaskError
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
    RunFolderError, TaskError, UnfitEnvironmentError,
)  # fmt: skip

main = command_line("mentor_policy", "Visual reinforcement learning agents.", COMMANDS, REFUSALS)


if __name__ == "__main__":
    sys.exit(main())
