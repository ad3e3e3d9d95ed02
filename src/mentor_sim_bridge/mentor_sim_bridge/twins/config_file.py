"""Reads a twin's YAML into frozen dataclasses; refuses keys that are missing or unknown, and values
of another type."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import yaml

Ends = tuple[float, float]
_ASCENDING = "two numbers, the smaller one first"
Range = Annotated[Ends, _ASCENDING]
Colour = tuple[float, float, float]
Config = TypeVar("Config")


@dataclass(frozen=True)
class MotionConfig:
    """Seconds of a step of physics and control, and of settling after a reset."""

    timestep: float
    settle: float

    def __post_init__(self) -> None:
        check_timestep(self.timestep)
        if self.settle < 0.0:
            raise ValueError(f"settle is {self.settle:g}, must be 0 s or above")


def check_timestep(seconds: float) -> None:
    """Raise ValueError for a step of physics that is not above 0."""
    if seconds <= 0.0:
        raise ValueError(f"timestep is {seconds:g}, must be above 0 s")


def config_loader(kind: type[Config], default: Path) -> Callable[..., Config]:
    """Return what reads a cell's YAML; a configuration is returned as it is.

    Args:
        kind: the dataclass of the whole cell.
        default: the file that is read where none is named.
    """

    def load(source: Config | Path | str | None = None) -> Config:
        if isinstance(source, kind):
            return source
        return read_config(kind, Path(cast(Path | str, source or default)))

    return load


def read_config(kind: type[Config], file: Path) -> Config:
    """Read a cell's YAML.

    Args:
        kind: a dataclass whose fields are the keys; those that are dataclasses are sections.
        file: the YAML.

    Raises:
        ValueError: a key is missing or unknown, or its value is of another type or out of its
        bounds; names file and key.
    """
    config: Config = _build(kind, yaml.safe_load(file.read_text()), file.name)
    return config


def _build(kind: Any, values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise ValueError(f"{where}: {values!r} is not a mapping")
    names = {field.name for field in fields(kind)}
    optional = {field.name for field in fields(kind) if field.default is not MISSING}
    for key in sorted((names ^ set(values)) - (optional - set(values))):
        state = "is missing" if key in names else f"is unknown; known: {', '.join(sorted(names))}"
        raise ValueError(f"{where}: key {key!r} {state}")
    hints = get_type_hints(kind, include_extras=True)
    read = {name: _value(hints[name], value, f"{where}: {name}") for name, value in values.items()}
    try:
        return kind(**read)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _value(kind: Any, value: Any, where: str) -> Any:
    """Return the value of a key as its type has it. Raises: ValueError."""
    if is_dataclass(kind):
        return _build(kind, value, where)
    if kind is float or kind is int:
        return _number(kind, value, where)
    if get_origin(kind) is Annotated:
        low, high = _value(get_args(kind)[0], value, where)
        if low > high:
            raise ValueError(f"{where} is {value!r}, must be {_ASCENDING}")
        return low, high
    return _items(kind, value, where)


def _items(kind: Any, value: Any, where: str) -> Any:
    """Return a list as a tuple, or a mapping, each item checked if its type is known."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        if not isinstance(value, list) or len(value) != len(arguments):
            raise ValueError(f"{where} is {value!r}, must be a list of {len(arguments)}")
        return tuple(_value(item, each, where) for item, each in zip(arguments, value, strict=True))
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise ValueError(f"{where}: {value!r} is not a mapping")
        return {
            name: _value(arguments[1], item, f"{where}: {name}") for name, item in value.items()
        }
    return _tuples(value)


def _number(kind: type, value: Any, where: str) -> Any:
    is_number = isinstance(value, int if kind is int else (int, float))
    if not is_number or isinstance(value, bool) or not math.isfinite(value):
        wanted = "a whole number" if kind is int else "a finite number"
        hint = "; YAML takes 1e-3 for text, write 1.0e-3" if isinstance(value, str) else ""
        raise ValueError(f"{where} is {value!r}, must be {wanted}{hint}")
    return value


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _tuples(item) for name, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Spread:
    """How far something may be from where it is configured, either way: metres and radians.

    What the YAML leaves out does not vary.
    """

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    yaw: float = 0.0
