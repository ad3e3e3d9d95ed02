"""What a suite has to offer so that PixelEnv can make a gymnasium environment of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Outcome:
    """What one simulator frame led to."""

    reward: float
    terminated: bool = False
    truncated: bool = False
    success: bool | None = None
    """Whether the task is solved at this frame; None where the suite knows no success."""
    terms: dict[str, float] = field(default_factory=dict)


class Body(ABC):
    """One task of one suite: the simulator without stacking and repeating.

    Attributes:
        task: name of the task, e.g. ``dmc-hopper_hop``.
        camera: name of the camera that the agent looks through.
        action_names: name of each action dimension, ``(action_size,)``.
        frame_seconds: simulated seconds that one frame takes.
        max_frames: frames after which an episode is cut off; 0 if unknown.
        state_size: length of ``state()``; 0 for none.
    """

    task: str
    camera: str
    action_names: tuple[str, ...]
    frame_seconds: float
    max_frames: int
    state_size: int = 0

    @abstractmethod
    def reset(self, seed: int | None, options: dict[str, Any]) -> None:
        """Begins an episode; without a seed the randomness goes on as it is."""

    @abstractmethod
    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Goes on by one frame. ``action``: ``(action_size,)`` in [-1, 1]."""

    @abstractmethod
    def render(self) -> NDArray[np.uint8]:
        """What the camera sees now, a new array ``(3, height, width) uint8``."""

    def state(self) -> NDArray[np.float32]:
        """The robot's own state, ``(state_size,)``."""
        return np.zeros(0, np.float32)

    def info(self) -> dict[str, Any]:
        """What is to be known of the episode beside its reward and success."""
        return {}

    def close(self) -> None:  # noqa: B027 - nothing to do is a fair default
        """Frees what the simulator holds."""
