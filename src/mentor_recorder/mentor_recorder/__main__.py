"""``python -m mentor_recorder``: info, check, repair, cut, export, view."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mentor_common.bags.definitions import UnknownTypeError
from mentor_common.bags.mcap_file import BagWriteError
from mentor_common.bags.reader import BagError
from mentor_common.cli.commands import run_command
from mentor_recorder.cli import check, cut, export, info, repair, view

COMMANDS = {
    "info": info,
    "check": check,
    "repair": repair,
    "cut": cut,
    "export": export,
    "view": view,
}
REFUSALS = (BagError, BagWriteError, UnknownTypeError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    description = "Bags of a cell: what can be done with them."
    return run_command("mentor_recorder", description, COMMANDS, REFUSALS, arguments)


if __name__ == "__main__":
    sys.exit(main())
