"""The arguments of a launch file: which there are, what the user gave."""

from __future__ import annotations

from collections.abc import Iterable

from mentor_bringup.runner.actions import DeclareLaunchArgument
from mentor_bringup.runner.entity import Entity
from mentor_bringup.runner.include import IncludeLaunchDescription
from mentor_bringup.runner.refusal import LaunchRefused, unknown


def declared_arguments(entity: Entity) -> dict[str, DeclareLaunchArgument]:
    """Return the arguments of a launch description and of the files that it includes."""
    found: dict[str, DeclareLaunchArgument] = {}
    for part in entity.nested():
        if isinstance(part, DeclareLaunchArgument):
            found.setdefault(part.name, part)
        given = part.given_arguments() if isinstance(part, IncludeLaunchDescription) else set()
        for name, argument in declared_arguments(part).items():
            if name not in given:
                found.setdefault(name, argument)
    return found


def parse_arguments(texts: Iterable[str], declared: Iterable[str]) -> dict[str, str]:
    """Read `name:=value` arguments.

    Raises:
        LaunchRefused: if one is malformed or not declared.
    """
    names = list(declared)
    given = {}
    for text in texts:
        name, assigned, value = text.partition(":=")
        if not assigned or not name:
            raise LaunchRefused(f"argument '{text}' is malformed; expected <name>:=<value>")
        if name not in names:
            raise unknown(f"this launch file has no argument '{name}'", names)
        given[name] = value
    return given


def describe_arguments(declared: dict[str, DeclareLaunchArgument]) -> str:
    """Return what `--show-args` prints, in the form that ros2 launch gives it."""
    lines = ["Arguments (pass arguments as '<name>:=<value>'):"]
    for argument in declared.values():
        lines += ["", f"    '{argument.name}':", f"        {argument.description}"]
        if argument.default_value is not None:
            default = " + ".join(part.describe() for part in argument.default_value)
            lines.append(f"        (default: {default})")
    if not declared:
        lines += ["", "  No arguments."]
    return "\n".join(lines)
