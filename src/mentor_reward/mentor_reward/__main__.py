"""``python -m mentor_reward``: the slot classifiers, and the calibration of court cameras."""

from __future__ import annotations

import sys

from mentor_common.cli.commands import command_line
from mentor_reward.cli import calibrate, collect, evaluate, label, train

COMMANDS = {
    "collect": collect,
    "label": label,
    "train": train,
    "evaluate": evaluate,
    "calibrate": calibrate,
}
REFUSALS = (FileNotFoundError, ValueError)

main = command_line(
    "mentor_reward",
    "The slot classifiers of the cable cell, and the court cameras of the golf cell.",
    COMMANDS,
    REFUSALS,
)


if __name__ == "__main__":
    sys.exit(main())
