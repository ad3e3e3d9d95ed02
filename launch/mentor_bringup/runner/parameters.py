"""Values of parameters, read by YAML's rules (`launch_ros.parameter_descriptions`)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.keywords import KnownKeywords
from mentor_bringup.runner.refusal import LaunchRefused
from mentor_bringup.runner.substitutions import Texts, is_substitution, perform

_SCALARS = (bool, int, float, str)


class ParameterValue(metaclass=KnownKeywords):
    """A value whose type is given instead of found by YAML's rules."""

    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        self.value, self.value_type = value, value_type

    def evaluate(self, context: LaunchContext) -> Any:
        """Return the value."""
        if not is_substitution(self.value):
            return self.value
        text = perform(context, self.value)
        if self.value_type is str:
            return text
        if self.value_type in (int, float):
            try:
                return self.value_type(text)
            except ValueError:
                raise LaunchRefused(f"'{text}' is not {self.value_type.__name__}") from None
        value = by_yaml_rules(text, "a ParameterValue")
        if self.value_type is bool and not isinstance(value, bool):
            raise LaunchRefused(f"'{text}' is not bool; valid: true, false")
        return value


class ParameterFile(metaclass=KnownKeywords):
    """A YAML file of parameters."""

    def __init__(self, param_file: Texts) -> None:
        self.param_file = param_file

    def evaluate(self, context: LaunchContext) -> str:
        """Return the file's path."""
        return perform(context, self.param_file)


def by_yaml_rules(text: str, name: str) -> Any:
    """Return what YAML reads in `text`: a scalar, or a list of scalars of one type."""
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
            values[name] = value.evaluate(context)
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


def parameter_file(context: LaunchContext, item: Any) -> str:
    """Return the path of a parameter file that is given in any of the allowed ways.

    Raises:
        LaunchRefused: if there is no such file.
    """
    path = item.evaluate(context) if isinstance(item, ParameterFile) else perform(context, item)
    if not os.path.isfile(path):
        raise LaunchRefused(f"parameter file {path} is not there")
    return path
