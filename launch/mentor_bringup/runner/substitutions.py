"""Texts that are known only when the launch file runs (`launch.substitutions`)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.keywords import KnownKeywords
from mentor_bringup.runner.refusal import LaunchRefused, unknown


class Substitution(metaclass=KnownKeywords):
    """A text that is known only when the launch file runs."""

    def perform(self, context: LaunchContext) -> str:
        """Return the text."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return what `--show-args` prints for it."""
        return f"{type(self).__name__}()"


Texts = str | Substitution | Iterable[str | Substitution]
"""A text, a substitution, or several of them to be joined."""


def normalize(value: Any) -> list[Substitution]:
    """Return a text, a substitution, or a list of them, as a list of substitutions.

    Raises:
        LaunchRefused: if it is none of these.
    """
    if isinstance(value, (list, tuple)):
        return [_one(item) for item in value]
    return [_one(value)]


def _one(value: Any) -> Substitution:
    if isinstance(value, str):
        return TextSubstitution(text=value)
    if isinstance(value, Substitution):
        return value
    raise LaunchRefused(
        f"expected a text or a substitution, got {value!r}, a {type(value).__name__}"
    )


def perform(context: LaunchContext, value: Texts) -> str:
    """Perform `value`, and join its parts."""
    return "".join(part.perform(context) for part in normalize(value))


def is_substitution(value: Any) -> bool:
    """Return whether `value` is a substitution, or a list of texts with at least one in it."""
    if isinstance(value, Substitution):
        return True
    return (
        isinstance(value, (list, tuple))
        and any(isinstance(item, Substitution) for item in value)
        and all(isinstance(item, (str, Substitution)) for item in value)
    )


def truth(context: LaunchContext, value: Texts) -> bool:
    """Read a performed text as a truth value.

    Raises:
        LaunchRefused: if it is not true, 1, false or 0, in any case of the letters.
    """
    text = perform(context, value).strip().lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise LaunchRefused(f"'{text}' is neither true nor false; valid: true, 1, false, 0")


class TextSubstitution(Substitution):
    """A plain text."""

    def __init__(self, *, text: str) -> None:
        self.text = text

    def perform(self, context: LaunchContext) -> str:
        """Return the text."""
        return self.text

    def describe(self) -> str:
        """Return the text in quotes."""
        return f"'{self.text}'"


class LaunchConfiguration(Substitution):
    """The value of a launch argument."""

    def __init__(self, variable_name: Texts, *, default: Any = None) -> None:
        self.variable_name = variable_name
        self.default = default

    def perform(self, context: LaunchContext) -> str:
        """Return the argument's value, or the default."""
        name = perform(context, self.variable_name)
        if name in context.launch_configurations:
            return str(context.launch_configurations[name])
        if self.default is None:
            raise unknown(
                f"launch configuration '{name}' does not exist", context.launch_configurations
            )
        return (
            str(self.default)
            if not is_substitution(self.default)
            else perform(context, self.default)
        )

    def describe(self) -> str:
        """Return the name."""
        return f"LaunchConfig({' + '.join(s.describe() for s in normalize(self.variable_name))})"


class EnvironmentVariable(Substitution):
    """The value of an environment variable."""

    def __init__(self, name: Texts, *, default_value: Texts | None = None) -> None:
        self.name = name
        self.default_value = default_value

    def perform(self, context: LaunchContext) -> str:
        """Return the variable's value, or the default."""
        name = perform(context, self.name)
        if name in context.environment:
            return context.environment[name]
        if self.default_value is None:
            raise LaunchRefused(f"environment variable '{name}' is not set; set it")
        return perform(context, self.default_value)

    def describe(self) -> str:
        """Return the name."""
        return f"EnvVar({' + '.join(s.describe() for s in normalize(self.name))})"


class PathJoinSubstitution(Substitution):
    """Parts of a path, joined."""

    def __init__(self, substitutions: Iterable[Texts]) -> None:
        self.substitutions = normalize(substitutions)

    def perform(self, context: LaunchContext) -> str:
        """Return the path."""
        return os.path.join(*(part.perform(context) for part in self.substitutions))

    def describe(self) -> str:
        """Return the parts."""
        return f"PathJoin('{' + '.join(part.describe() for part in self.substitutions)}')"
