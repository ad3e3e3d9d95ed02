"""What an agent must know of an environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mentor_common.messages.frames import FrameLayout, layout_from_json


@dataclass(frozen=True)
class Shape:
    """The sizes of observations and actions.

    Attributes:
        layout: layout of the pixels.
        state_size: S, length of the state vector; 0 without one.
        action_size: A.
    """

    layout: FrameLayout
    state_size: int
    action_size: int

    def as_json(self) -> dict[str, Any]:
        """Return plain values, as checkpoints keep them."""
        values = asdict(self)
        values["layout"]["cameras"] = list(self.layout.cameras)
        return values


def shape_from_json(values: Mapping[str, Any]) -> Shape:
    """Return the shape of which these are the plain values.

    Raises:
        KeyError, TypeError, ValueError: they are of something else.
    """
    layout = layout_from_json(values["layout"])
    return Shape(layout, int(values["state_size"]), int(values["action_size"]))
