"""What a suite provides so that PixelEnv can make a gymnasium environment of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentor_sim_bridge.benchmarks.renderer import PixelRenderer


@dataclass(frozen=True)
class View:
    """How a simulator renders.

    Args:
        size: height and width of a frame, pixels.
        camera: name or number of a camera; None: the suite's usual one.
        stock: render as the suite does: with shadows, reflections and antialiasing.
    """

    size: int = 84
    camera: str | int | None = None
    stock: bool = False

    def __post_init__(self) -> None:
        """Refuse what no memory holds. Raises: ValueError."""
        refuse_outside("image_size", self.size, 8, 1024)


def check_state(state: str | None) -> None:
    """Raise ValueError for a state vector that no suite gives."""
    if state not in (None, "robot", "full"):
        raise ValueError(f"state is {state!r}; known: None, 'robot', 'full'")


def refuse_outside(name: str, value: object, low: int, high: int) -> None:
    """Raise ValueError for what is no whole number from low to high.

    Args:
        name: name of the argument.
        value: given.
        low: smallest value that is taken.
        high: largest.
    """
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}, must be a whole number from {low} to {high}")


def refuse_options(task: str, options: Mapping[str, Any], known: tuple[str, ...] = ()) -> None:
    """Raise ValueError for options of a reset that a task does not have.

    Args:
        task: name of the task.
        options: given.
        known: names of those that it has.
    """
    if unknown := sorted(options.keys() - set(known)):
        raise ValueError(
            f"{task}: options {unknown} are unknown; known: {', '.join(known) or 'none'}"
        )


@dataclass
class Outcome:
    """The result of one simulator frame."""

    reward: float
    terminated: bool = False
    truncated: bool = False
    success: bool | None = None
    """Whether the task is solved at this frame; None where the suite defines no success."""
    terms: dict[str, float] = field(default_factory=dict)


class TaskSimulator(ABC):
    """One task of one suite, without frame stack and action repeat.

    Attributes:
        task: name of the task, e.g. ``dmc-hopper_hop``.
        camera: name of the camera that renders.
        action_names: name of each action dimension, ``(action_size,)``.
        frame_seconds: simulated seconds of one frame.
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
        """Begin an episode; without a seed the random state continues as it is.

        Raises: ValueError: an option is unknown; the simulator is then as it was.
        """

    @abstractmethod
    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Simulate one frame with an action ``(action_size,)`` in [-1, 1]."""

    @abstractmethod
    def render(self) -> NDArray[np.uint8]:
        """Render a new array ``(3, height, width) uint8``, upright."""

    def state(self) -> NDArray[np.float32]:
        """Return the robot's state, ``(state_size,)``."""
        return np.zeros(0, np.float32)

    def info(self) -> dict[str, Any]:
        """Return what ``info`` holds of the episode besides its success."""
        return {}

    def close(self) -> None:  # noqa: B027 - doing nothing is a fair default
        """Free what the simulator holds."""


class MujocoSimulator(TaskSimulator):
    """A task whose suite has a MuJoCo model; the subclass sets ``_env`` and ``_renderer``."""

    _env: Any
    _renderer: PixelRenderer

    def render(self) -> NDArray[np.uint8]:
        """Render a new array ``(3, height, width) uint8``, upright."""
        return self._renderer.render(self._data())

    def close(self) -> None:
        """Free the renderer and the simulator."""
        self._renderer.close()
        self._env.close()

    def _data(self) -> Any:
        """Return MuJoCo's data."""
        return self._env.data
