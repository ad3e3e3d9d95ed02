"""What a simulated cell must offer so that the twin node can run it.

A package registers its twin by an entry point of the group ``mentor.twins``: a name, which the task
file has under ``twin``, and a `Factory`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from mentor_common.arm.backend import ArmBackend
from mentor_common.tasks.task import Task


@dataclass(frozen=True)
class TrueState:
    """The ground truth of a cell at one time.

    Args:
        success: the episode's success as it stands.
        values: the task's true values by name, SI units; classes as their index.
    """

    success: bool
    values: Mapping[str, float] = field(default_factory=dict)


class Simulator(ArmBackend, Protocol):
    """A cell in simulation: an arm whose time is simulated, with cameras and ground truth.

    `resets` is True: `begin_episode` sets everything up again, so that a seed alone decides an
    episode. It is called with `seed`, `start` and `options`; what an option means is the twin's.
    Attributes:
        cameras: names of the cameras.
    """

    cameras: tuple[str, ...]

    def render(self, camera: str) -> np.ndarray:
        """Return what a camera sees now, (height, width, 3) uint8 RGB."""
        ...

    def field_of_view(self, camera: str) -> float:
        """Return the vertical field of view of a camera, radians."""
        ...

    def ground_truth(self) -> TrueState:
        """Return the ground truth as it is now."""
        ...

    def urdf(self, robot: str = "panda") -> str:
        """Return the arm's URDF, in which the names of the joints begin with `robot`."""
        ...

    def fail_soon(self) -> str:
        """Have the next motion end in a fault, for tests; return which one."""
        ...

    def close(self) -> None:
        """Free the cameras' graphics context, in the thread that rendered."""
        ...


@runtime_checkable
class ForceSensing(Protocol):
    """A simulator whose hand feels what it touches; its node publishes that on `wrench`."""

    def wrench(self) -> np.ndarray:
        """Return the force (N) with which the hand presses on what it touches and its torque (N m)
        about the grasp point, (6,), in the frame of the workspace: positive as in libfranka, where
        the robot's force on its surroundings is (`O_F_ext_hat_K`)."""
        ...


Factory = Callable[[Task, Path | None, tuple[int, int]], Simulator]
"""Makes a twin: of a task, with a configuration file (None: the twin's own), image height, width.

Raises ValueError for a task or a file that it does not fit.
"""
