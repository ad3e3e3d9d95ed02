"""Values of parameters, read by YAML's rules (`launch_ros.parameter_descriptions`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.keywords import KnownKeywords
from mentor_bringup.runner.refusal import LaunchRefused
from mentor_bringup.runner.substitutions import is_substitution, perform

_SCALARS = (bool, int, float, str)
_LEVELS = 32
"""Levels of a parameter file at most."""


class ParameterValue(metaclass=KnownKeywords):
    """A value whose type is given instead of found by YAML's rules."""

    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        self.value, self.value_type = value, value_type

    def evaluate(self, context: LaunchContext, name: str) -> Any:
        """Return the value of the parameter `name`."""
        if not is_substitution(self.value):
            return self.value
        text = perform(context, self.value)
        if self.value_type is str:
            return text
        if self.value_type in (int, float):
            try:
                return self.value_type(text)
            except ValueError:
                raise LaunchRefused(
                    f"parameter {name}: '{text}' is not {self.value_type.__name__}"
                ) from None
        value = by_yaml_rules(text, name)
        if self.value_type is bool and not isinstance(value, bool):
            raise LaunchRefused(f"parameter {name}: '{text}' is not bool; valid: true, false")
        return value


def by_yaml_rules(text: str, name: str) -> Any:
    """Return what YAML reads in a text: a scalar, or a list of scalars of one type.

    Args:
        text: the parameter's value as text.
        name: the parameter's name.

    Raises:
        LaunchRefused: if it is no YAML, or reads as anything else.
    """
    try:
        value = yaml.safe_load(text) if text else ""
    except yaml.YAMLError as error:
        raise LaunchRefused(f"parameter {name}: '{text}' is not YAML: {error}") from None
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, list) and value and _is_uniform(value):
        return value
    raise LaunchRefused(
        f"parameter {name}: '{text}' reads as {type(value).__name__}; allowed are bool, "
        "int, float, str and lists of one; for a text use ParameterValue(..., value_type=str)"
    )


def _is_uniform(items: list[Any]) -> bool:
    kind = type(items[0])
    return kind in _SCALARS and all(type(item) is kind for item in items)


def evaluate_values(context: LaunchContext, parameters: Mapping[Any, Any]) -> dict[str, Any]:
    """Return parameters with their values; nested dictionaries become dotted names."""
    values: dict[str, Any] = {}
    for key, value in parameters.items():
        name = perform(context, key)
        if isinstance(value, Mapping):
            nested = evaluate_values(context, value)
            values.update({f"{name}.{inner}": item for inner, item in nested.items()})
        elif isinstance(value, ParameterValue):
            values[name] = value.evaluate(context, name)
        elif is_substitution(value):
            values[name] = by_yaml_rules(perform(context, value), name)
        elif isinstance(value, _SCALARS):
            values[name] = value
        elif isinstance(value, Sequence):
            values[name] = [
                by_yaml_rules(perform(context, item), name) if is_substitution(item) else item
                for item in value
            ]
        else:
            raise LaunchRefused(f"parameter {name}: {value!r} is no parameter value")
    return values


def check_parameter_file(path: str) -> None:
    """Check that a file holds parameters of nodes, as far as it can be known without the nodes.

    Raises:
        LaunchRefused: if it is not there, is no YAML, or is not of the form that ROS reads.
    """
    try:
        if not Path(path).is_file():  # a FIFO would be waited for
            Path(path).stat()
            raise OSError(0, "is not a regular file")
        text = Path(path).read_text()
        _check_depth(text)
        content = yaml.safe_load(text)
    except OSError as error:
        raise LaunchRefused(f"parameter file {path}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:  # of no UTF-8, of numbers without end
        what = " ".join(str(error).split())
        raise LaunchRefused(f"parameter file {path} is not YAML: {what}") from None
    if content is None:
        return
    if not isinstance(content, dict) or not _holds_parameters(content):
        raise LaunchRefused(
            f"parameter file {path} holds no parameters; expected is <node or '/**'>: "
            "{ros__parameters: {<name>: <value>}}"
        )


def _check_depth(text: str) -> None:
    """Raise ValueError for what is nested without end, before anything is made of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _LEVELS:
            raise ValueError(f"more than {_LEVELS} levels")


def _holds_parameters(content: dict[Any, Any]) -> bool:
    """Return whether each branch ends in a mapping called ros__parameters."""
    return all(
        isinstance(inner, dict) and (name == "ros__parameters" or _holds_parameters(inner))
        for name, inner in content.items()
    )
