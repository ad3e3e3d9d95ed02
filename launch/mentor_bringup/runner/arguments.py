"""The arguments of a launch: which the launch file declares, which the user gave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mentor_bringup.runner.refusal import LaunchRefused, unknown


def parse_arguments(texts: Iterable[str], declared: Iterable[str]) -> dict[str, str]:
    """Read `name:=value` arguments; the last one of a name counts.

    Args:
        texts: the arguments as they were given.
        declared: names of the arguments that the launch file declares.

    Returns:
        Name to value.

    Raises:
        LaunchRefused: if one is malformed or not declared.
    """
    names = list(declared)
    given = {}
    for text in texts:
        name, assigned, value = text.partition(":=")
        if not assigned or not name or not value:  # `ros2 launch` takes no empty value either
            raise LaunchRefused(f"argument '{text}' is malformed; expected <name>:=<value>")
        if name not in names:
            raise unknown(f"this launch file has no argument '{name}'", names)
        given[name] = value
    return given


def describe_arguments(declared: list[Any]) -> str:
    """Return what `--show-args` prints, in the form that ros2 launch gives it."""
    lines = ["Arguments (pass arguments as '<name>:=<value>'):"]
    for argument in declared:
        mark = "*" if argument._conditionally_included else ""
        lines += ["", f"    '{argument.name}':{mark}", f"        {argument.description}"]
        if argument.default_value is not None:
            default = " + ".join(part.describe() for part in argument.default_value)
            lines.append(f"        (default: {default})")
    if not declared:
        lines += ["", "  No arguments."]
    if any(argument._conditionally_included for argument in declared):
        lines += ["", "* argument(s) which are only used if specific conditions occur"]
    return "\n".join(lines)
