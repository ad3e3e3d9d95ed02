"""``python -m mentor_reward``: the slot classifiers, and the calibration of court cameras."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mentor_common.cli.commands import run_command
from mentor_reward.cli import calibrate, collect, evaluate, label, train

COMMANDS = {
    "collect": collect,
    "label": label,
    "train": train,
    "evaluate": evaluate,
    "calibrate": calibrate,
}
REFUSALS = (FileNotFoundError, ValueError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    description = "The slot classifiers of the cable cell, and the court cameras of the golf cell."
    return run_command("mentor_reward", description, COMMANDS, REFUSALS, arguments)


if __name__ == "__main__":
    sys.exit(main())
