"""Texts that are known only when the launch file runs (`launch.substitutions`)."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from typing import Any

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.keywords import KnownKeywords
from mentor_bringup.runner.refusal import LaunchRefused, unknown


class SubstitutionFailure(LaunchRefused):
    """A substitution cannot be performed."""


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


def normalize(value: Texts) -> list[Substitution]:
    """Return `value` as a list of substitutions.

    Raises:
        LaunchRefused: if it is neither text nor substitution.
    """
    if isinstance(value, str):
        return [TextSubstitution(text=value)]
    if isinstance(value, Substitution):
        return [value]
    if isinstance(value, os.PathLike):
        return [TextSubstitution(text=os.fspath(value))]
    if isinstance(value, Iterable):
        return [part for item in value for part in normalize(item)]
    raise LaunchRefused(
        f"expected a text or a substitution, got {value!r}, a {type(value).__name__}"
    )


def perform(context: LaunchContext, value: Texts) -> str:
    """Perform `value`, and join its parts."""
    return "".join(part.perform(context) for part in normalize(value))


def is_substitution(value: Any) -> bool:
    """Say whether `value` is a substitution, or a list of texts with at least one in it."""
    if isinstance(value, Substitution):
        return True
    return (
        isinstance(value, (list, tuple))
        and any(isinstance(item, Substitution) for item in value)
        and all(isinstance(item, (str, Substitution)) for item in value)
    )


def truth(context: LaunchContext, value: Texts) -> bool:
    """Read a performed text as a truth value: true, 1, false or 0 in any case."""
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
            raise SubstitutionFailure(f"environment variable '{name}' is not set; set it")
        return perform(context, self.default_value)

    def describe(self) -> str:
        """Return the name."""
        return f"EnvVar({' + '.join(s.describe() for s in normalize(self.name))})"


class PathJoinSubstitution(Substitution):
    """Parts of a path, joined."""

    def __init__(self, substitutions: Iterable[Texts]) -> None:
        self.substitutions = list(substitutions)

    def perform(self, context: LaunchContext) -> str:
        """Return the path."""
        return os.path.join(*(perform(context, part) for part in self.substitutions))

    def describe(self) -> str:
        """Return the parts."""
        parts = (s.describe() for part in self.substitutions for s in normalize(part))
        return f"PathJoin('{' + '.join(parts)}')"


class PythonExpression(Substitution):
    """A Python expression over names of the math module."""

    def __init__(self, expression: Texts) -> None:
        self.expression = expression

    def perform(self, context: LaunchContext) -> str:
        """Return the value as text."""
        text = perform(context, self.expression)
        try:
            return str(eval(text, {}, dict(vars(math))))
        except Exception as error:
            raise SubstitutionFailure(f"PythonExpression '{text}': {error}") from error


class ThisLaunchFileDir(Substitution):
    """The folder of the launch file."""

    def perform(self, context: LaunchContext) -> str:
        """Return the folder."""
        if context.launch_file is None:
            raise SubstitutionFailure("ThisLaunchFileDir() outside of a launch file")
        return os.path.dirname(os.path.abspath(context.launch_file))


class _Comparison(Substitution):
    """Two values that are compared as truth values, numbers or texts, whichever both are."""

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right

    def _equal(self, context: LaunchContext) -> bool:
        left, right = (_text(context, value) for value in (self.left, self.right))
        words = {"true": True, "1": True, "false": False, "0": False}
        if left.lower() in words and right.lower() in words:
            return words[left.lower()] == words[right.lower()]
        try:
            return math.isclose(float(left), float(right))
        except ValueError:
            return left == right


def _text(context: LaunchContext, value: Any) -> str:
    if is_substitution(value):
        return perform(context, value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


class EqualsSubstitution(_Comparison):
    """'true' if both values are equal, else 'false'."""

    def perform(self, context: LaunchContext) -> str:
        """Return 'true' or 'false'."""
        return str(self._equal(context)).lower()


class NotEqualsSubstitution(_Comparison):
    """'true' if the values differ, else 'false'."""

    def perform(self, context: LaunchContext) -> str:
        """Return 'true' or 'false'."""
        return str(not self._equal(context)).lower()


class NotSubstitution(Substitution):
    """The opposite."""

    def __init__(self, value: Texts) -> None:
        self.value = value

    def perform(self, context: LaunchContext) -> str:
        """Return 'true' or 'false'."""
        return str(not truth(context, self.value)).lower()


class _Several(Substitution):
    combine: Callable[[Iterable[object]], bool]

    def __init__(self, *args: Texts) -> None:
        self.args = args

    def perform(self, context: LaunchContext) -> str:
        """Return 'true' or 'false'."""
        return str(type(self).combine([truth(context, value) for value in self.args])).lower()


class AllSubstitution(_Several):
    """'true' if every value is."""

    combine = staticmethod(all)


class AnySubstitution(_Several):
    """'true' if one of the values is."""

    combine = staticmethod(any)


class AndSubstitution(AllSubstitution):
    """'true' if both values are."""

    def __init__(self, left: Texts, right: Texts) -> None:
        super().__init__(left, right)


class OrSubstitution(AnySubstitution):
    """'true' if one of both values is."""

    def __init__(self, left: Texts, right: Texts) -> None:
        super().__init__(left, right)


class IfElseSubstitution(Substitution):
    """One of two texts."""

    def __init__(self, condition: Texts, if_value: Texts = "", else_value: Texts = "") -> None:
        self.condition, self.if_value, self.else_value = condition, if_value, else_value

    def perform(self, context: LaunchContext) -> str:
        """Return the text that the condition chooses."""
        return perform(
            context, self.if_value if truth(context, self.condition) else self.else_value
        )
