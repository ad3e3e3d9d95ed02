"""Reading the name of a disturbance, which each twin has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

Kind = TypeVar("Kind", bound=Enum)


def find_disturbance(kind: type[Kind], name: object) -> Kind:
    """Return the disturbance of that name.

    Args:
        kind: the twin's disturbances.
        name: the value of one of them.

    Raises:
        ValueError: there is none of that name; the known ones are listed.
    """
    try:
        return kind(name)
    except ValueError:
        known = ", ".join(each.value for each in kind)
        raise ValueError(f"disturbance {name!r} is unknown; known: {known}") from None


def take_disturbance(
    kind: type[Kind], options: Mapping[str, object] | None, cell: str, known: tuple[str, ...] = ()
) -> tuple[Kind, dict[str, object]]:
    """Return the disturbance that the options of an episode name, and the other options.

    Args:
        kind: the twin's disturbances; the one without an effect has the value "none".
        options: options of the episode.
        cell: name of the twin, for the error.
        known: options that the twin has beside `disturbance`.

    Raises:
        ValueError: an option or the disturbance is unknown.
    """
    others = dict(options or {})
    disturbance = find_disturbance(kind, others.pop("disturbance", "none"))
    if unknown := sorted(others.keys() - set(known)):
        names = ", ".join(sorted(("disturbance", *known)))
        raise ValueError(f"{cell}: options {unknown} are unknown; known: {names}")
    return disturbance, others
