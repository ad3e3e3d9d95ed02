"""``python -m mentor_recorder``: info, check, repair, cut, export, view."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mentor_common.bags.definitions import UnknownTypeError
from mentor_common.bags.mcap_file import BagWriteError
from mentor_common.bags.reader import BagError
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
"""Errors whose text is complete: printed in one line, exit status 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mentor_recorder", description="Bags of a cell: what can be done with them."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        assert module.__doc__ is not None
        summary = module.__doc__.partition(": ")[2]
        command = commands.add_parser(name, help=summary, description=summary)
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
