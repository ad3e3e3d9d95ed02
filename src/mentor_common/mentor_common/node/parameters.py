"""A node's parameters as a table: type, default, description, range and checks in one line each."""

from __future__ import annotations

import difflib
import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.parameter import Parameter

Value = bool | int | float | str | Sequence[Any]
Bound = float | None
_TYPES: dict[str, tuple[Parameter.Type, type]] = {
    "bool": (Parameter.Type.BOOL, bool),
    "int": (Parameter.Type.INTEGER, int),
    "float": (Parameter.Type.DOUBLE, float),
    "str": (Parameter.Type.STRING, str),
    "bool[]": (Parameter.Type.BOOL_ARRAY, bool),
    "int[]": (Parameter.Type.INTEGER_ARRAY, int),
    "float[]": (Parameter.Type.DOUBLE_ARRAY, float),
    "str[]": (Parameter.Type.STRING_ARRAY, str),
}


class ParameterError(ValueError):
    """A parameter that is refused: its node, name, value, and what is allowed."""


@dataclass(frozen=True)
class Param:
    """One parameter.

    Args:
        name: name of the parameter.
        type: bool, int, float, str, or one of them followed by [].
        default: value of that type.
        description: what it is, with its unit.
        low: least value (of numbers, and of each number of an array).
        high: greatest value.
        choices: the allowed texts, if not all are.
        read_only: whether it can be set at the start only.
        check: returns the reason why a value is refused, or None; for what a range cannot express.
    """

    name: str
    type: str
    default: Value
    description: str
    low: Bound = None
    high: Bound = None
    choices: tuple[str, ...] = ()
    read_only: bool = False
    check: Callable[[Any], str | None] | None = None

    def __post_init__(self) -> None:
        if self.type not in _TYPES:
            raise ValueError(f"parameter {self.name}: type '{self.type}'; known: {list(_TYPES)}")
        if not self.description.strip():
            raise ValueError(f"parameter {self.name}: no description")
        reason = self.refusal(self.default)
        if reason:
            raise ValueError(f"parameter {self.name}: default {self.default!r}: {reason}")

    @property
    def ros_type(self) -> Parameter.Type:
        """The type as rclpy has it."""
        return _TYPES[self.type][0]

    def converted(self, value: Any) -> Any:
        """Return the value in this parameter's type: whole numbers become floats, tuples lists."""
        if self.type.endswith("[]"):
            if value is None:
                return []
            if not isinstance(value, (list, tuple, array)):
                return value
            items = list(value)
            if self.type == "float[]":
                return [float(item) if _is_int(item) else item for item in items]
            return items
        return float(value) if self.type == "float" and _is_int(value) else value

    def refusal(self, value: Any) -> str | None:
        """Return why the value is refused, or None."""
        value = self.converted(value) if not isinstance(value, str) else value
        kind: Any = _TYPES[self.type][1]
        if self.type.endswith("[]"):
            if not isinstance(value, list):
                return f"must be of type {self.type}"
            items: Iterable[Any] = value
        else:
            items = [value]
        for item in items:
            if not isinstance(item, kind) or (kind is int and isinstance(item, bool)):
                return f"must be of type {self.type}"
            if kind in (int, float):
                if not math.isfinite(item):
                    return "must be finite"
                if self.low is not None and item < self.low:
                    return f"must be at least {self.low:g}"
                if self.high is not None and item > self.high:
                    return f"must be at most {self.high:g}"
            if self.choices and item not in self.choices:
                near = difflib.get_close_matches(str(item), self.choices, 1)
                hint = f" (did you mean '{near[0]}'?)" if near else ""
                return f"must be one of {list(self.choices)}{hint}"
        return self.check(value) if self.check is not None else None

    def descriptor(self) -> ParameterDescriptor:
        """Return the descriptor that ``ros2 param describe`` shows."""
        descriptor = ParameterDescriptor(
            name=self.name,
            type=self.ros_type.value,
            description=self.description,
            read_only=self.read_only,
        )
        rules = []
        if self.choices:
            rules.append(f"one of {list(self.choices)}")
        if self.low is not None or self.high is not None:
            if self.type == "int":
                low = -(2**63) if self.low is None else int(self.low)
                high = 2**63 - 1 if self.high is None else int(self.high)
                descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=0)]
            elif self.type == "float":
                low_f = -math.inf if self.low is None else float(self.low)
                high_f = math.inf if self.high is None else float(self.high)
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=low_f, to_value=high_f, step=0.0)
                ]
            else:
                rules.append(f"each from {self.low} to {self.high}")
        descriptor.additional_constraints = "; ".join(rules)
        return descriptor


def wall_seconds(
    name: str, default: float, description: str, low: float, high: float, read_only: bool = False
) -> Param:
    """Return a duration in seconds of wall time.

    Args:
        name: name of the parameter.
        default: seconds.
        description: continues "seconds of wall time ".
        low: fewest seconds.
        high: most seconds.
        read_only: whether it can be set at the start only.
    """
    description = f"seconds of wall time {description}"
    return Param(name, "float", default, description, low, high, read_only=read_only)


TASK = Param("task", "str", "", "name of the task or path of its YAML", read_only=True)
"""The parameter of every node that needs the task file."""


def check_overrides(
    node: str, table: Sequence[Param], overrides: dict[str, Any], also_known: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the values given at the start, in the types of the table.

    Args:
        node: the node's full name, for the refusals.
        table: the declared parameters.
        overrides: what the command line and the parameter files give, by name.
        also_known: names that rclpy declares by itself, such as use_sim_time.
    Raises: ParameterError for an unknown name (with the nearest known one) or a bad value.
    """
    by_name = {param.name: param for param in table}
    others = set(also_known)
    values = {}
    for name, value in overrides.items():
        if name in others:
            continue
        if name not in by_name:
            near = difflib.get_close_matches(name, [*by_name, *others], 1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise ParameterError(
                f"node {node}: parameter '{name}' (value {value!r}) is unknown; "
                f"{hint}known: {sorted([*by_name, *others])}"
            )
        param = by_name[name]
        reason = param.refusal(value)
        if reason:
            raise ParameterError(f"node {node}: parameter '{name}': value {value!r} {reason}")
        values[name] = param.converted(value)
    return values


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
