"""``python -m mentor_reward``: collect, label, train, evaluate the slot classifiers."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mentor_common.cli.commands import run_command
from mentor_reward.cli import collect, evaluate, label, train

COMMANDS = {"collect": collect, "label": label, "train": train, "evaluate": evaluate}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    return run_command(
        "mentor_reward",
        "The slot classifiers of the cable routing cell.",
        COMMANDS,
        (FileNotFoundError, ValueError),
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
