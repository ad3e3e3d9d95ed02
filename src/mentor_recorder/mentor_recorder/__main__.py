"""``python -m mentor_recorder``: info, check, repair, cut, export, view."""

from __future__ import annotations

import sys

from mentor_common.bags.definitions import UnknownTypeError
from mentor_common.bags.mcap_file import BagWriteError
from mentor_common.bags.reader import BagError
from mentor_common.cli.commands import command_line
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

main = command_line(
    "mentor_recorder", "Bags of a cell: what can be done with them.", COMMANDS, REFUSALS
)


if __name__ == "__main__":
    sys.exit(main())
