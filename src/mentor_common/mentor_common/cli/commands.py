"""The command line of a package: ``python -m <package> <command>``, a module for each command."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Protocol

from mentor_common.node.starting import take_over


class Main(Protocol):
    """The command line of a package."""

    def __call__(self, arguments: Sequence[str] | None = None) -> int:
        """Run one command; return the exit code. None: the arguments of this process."""
        ...


def command_line(
    package: str,
    description: str,
    commands: Mapping[str, ModuleType],
    refusals: tuple[type[Exception], ...],
) -> Main:
    """Return what runs the command of a package that the arguments name.

    Args:
        package: name of the package.
        description: shown above the list of commands.
        commands: module by the command's name. A module's docstring begins with the command and a
            colon, and continues with its help text; ``add_arguments(parser)`` adds its options, and
            ``run(options)`` returns the exit code.
        refusals: errors whose text is complete; they are printed in one line; the traceback
            before it only under ``python -X dev``.

    Returns:
        The exit code is that of the command, or 2 after a refusal.
    """

    def main(arguments: Sequence[str] | None = None) -> int:
        options = _parsed(_parser(package, description, commands), arguments)
        try:
            with take_over():
                return int(options.run(options))
        except BrokenPipeError:  # the reader of the output has gone, as `head` does
            return 0
        except Exception as error:
            if not (isinstance(error, refusals) or getattr(error, "for_person", False)):
                raise
            if sys.flags.dev_mode:
                traceback.print_exc()
            print(f"error: {error}", file=sys.stderr)
            return 2

    return main


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; a command's ``overrides`` (key=value) may come before and after its options.

    argparse takes all positional arguments from the first place where one stands.
    """
    options, rest = parser.parse_known_args(arguments)
    if any(word.startswith("-") for word in rest) or (rest and not hasattr(options, "overrides")):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.overrides = [*options.overrides, *rest]
    return options


def _parser(
    package: str, description: str, commands: Mapping[str, ModuleType]
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=description)
    parsers = parser.add_subparsers(dest="command", required=True)
    for name, module in commands.items():
        summary = (module.__doc__ or "").partition(": ")[2]
        escaped = summary.replace("%", "%%")  # argparse formats the help, but not the description
        command = parsers.add_parser(name, help=escaped, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser
