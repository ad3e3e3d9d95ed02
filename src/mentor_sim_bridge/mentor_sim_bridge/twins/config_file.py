"""Reads a twin's YAML into frozen dataclasses, and refuses keys that are missing or unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

import yaml

Range = tuple[float, float]
Colour = tuple[float, float, float]
Config = TypeVar("Config")


@dataclass(frozen=True)
class MotionConfig:
    """Seconds of a step of physics and control, and of settling after a reset."""

    timestep: float
    settle: float


def config_loader(kind: type[Config], default: Path) -> Callable[..., Config]:
    """Return what reads a cell's YAML, each file once; a configuration is returned as it is.

    Args:
        kind: the dataclass of the whole cell.
        default: the file that is read where none is named.
    """
    read = cache(partial(read_config, kind))

    def load(source: Config | Path | str | None = None) -> Config:
        if isinstance(source, kind):
            return source
        return read(Path(cast(Path | str, source or default)))

    return load


def read_config(kind: type[Config], file: Path) -> Config:
    """Read a cell's YAML.

    Args:
        kind: a dataclass whose fields are the keys; those that are dataclasses are sections.
        file: the YAML.

    Raises:
        ValueError: a key is missing or unknown; names file and key.
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
    hints = get_type_hints(kind)
    read = {
        name: _build(hints[name], value, f"{where}: {name}")
        if is_dataclass(hints[name])
        else _tuples(value)
        for name, value in values.items()
    }
    try:
        return kind(**read)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


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
