"""Reading the name of a disturbance, which each twin has of its own."""

from __future__ import annotations

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
