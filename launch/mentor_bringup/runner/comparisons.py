"""Comparisons and choices between texts (`launch.substitutions`)."""

from __future__ import annotations

import math
from typing import Any

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.substitutions import (
    Substitution,
    Texts,
    is_substitution,
    perform,
    truth,
)


class _Comparison(Substitution):
    """Compares two values as truth values, numbers or texts, whichever both are."""

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


class AndSubstitution(Substitution):
    """'true' if both values are."""

    def __init__(self, left: Texts, right: Texts) -> None:
        self.left, self.right = left, right

    def perform(self, context: LaunchContext) -> str:
        """Return 'true' or 'false'."""
        return str(all([truth(context, self.left), truth(context, self.right)])).lower()


class OrSubstitution(Substitution):
    """'true' if one of both values is."""

    def __init__(self, left: Texts, right: Texts) -> None:
        self.left, self.right = left, right

    def perform(self, context: LaunchContext) -> str:
        """Return 'true' or 'false'."""
        return str(any([truth(context, self.left), truth(context, self.right)])).lower()


class IfElseSubstitution(Substitution):
    """One of two texts."""

    def __init__(self, condition: Texts, if_value: Texts = "", else_value: Texts = "") -> None:
        self.condition, self.if_value, self.else_value = condition, if_value, else_value

    def perform(self, context: LaunchContext) -> str:
        """Return the text that the condition chooses."""
        return perform(
            context, self.if_value if truth(context, self.condition) else self.else_value
        )
