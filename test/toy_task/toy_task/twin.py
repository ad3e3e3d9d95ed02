"""The twin: a point without mass, drawn by hand. No physics, no renderer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.simulator import TrueState

TICK = 0.02  # seconds
SPOT = 4  # pixels that a spot or the point extends to each side of its middle
URDF = '<robot name="toy"><link name="base"/></robot>'


class ToyTwin:
    """A Simulator: the end effector is where it is told to be."""

    resets = True
    joint_names = ("toy_joint",)

    def __init__(self, task: Task, config: Path | None, image_size: tuple[int, int]) -> None:
        self.cameras = tuple(camera.name for camera in task.cameras)
        self._workspace, self._size = task.workspace, image_size
        self._reached = task.reward.fields.number("reached", 0.0, 2.0)
        self._random = np.random.default_rng()
        self._pose = task.workspace.xyzr(np.zeros(2))
        self._spot = np.zeros(2)
        self._ticks = 0
        self._fails = False
        self.fault = ""

    @property
    def time(self) -> int:
        """Return nanoseconds."""
        return round(self._ticks * TICK * 1e9)

    def pose(self) -> tuple[np.ndarray, np.ndarray]:
        """Position and quaternion of the point."""
        return self._workspace.pose(self._place())

    def joint_state(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return one joint that never moves."""
        return np.zeros(1), np.zeros(1), np.zeros(1)

    def follow(
        self,
        trajectory: Any,
        midway: Callable[[], None] | None,
        watch: Callable[[], None] | None,
    ) -> None:
        """Be where the trajectory is."""
        ticks = max(2, round(trajectory.seconds / TICK))
        for tick in range(1, ticks + 1):
            self._pass(watch)
            self._pose = trajectory.at(tick / ticks)
            if midway is not None and tick == ticks // 2:
                midway()
        if self._fails:
            self._fails, self.fault = False, "the toy was told to fail"

    def hold(self, pose: np.ndarray, seconds: float, watch: Callable[[], None] | None) -> None:
        """Let time pass."""
        for _ in range(max(1, round(seconds / TICK))):
            self._pass(watch)

    def begin_episode(self, seed: int | None, start: np.ndarray, options: dict[str, Any]) -> None:
        """Draw where the spot is."""
        if seed is not None:
            self._random = np.random.default_rng(seed)
        self._spot = self._random.uniform(-0.9, 0.9, 2)
        self._pose = self._workspace.xyzr(start)
        self._pass(None)

    def recover(self, timeout: float) -> None:
        """End a fault."""
        self.fault = ""

    def gripper(self, command: Any) -> Any:
        """Have the fingers where they are told to be."""
        from mentor_common.arm.backend import GripperState

        return GripperState(command.width, grasped=False)

    def render(self, camera: str) -> np.ndarray:
        """Draw the table from above: a red spot, a white point."""
        image = np.full((*self._size, 3), 60 if camera == "front" else 30, np.uint8)
        self._draw(image, self._place(), (255, 255, 255))
        self._draw(image, self._spot, (220, 30, 30))
        return image

    def field_of_view(self, camera: str) -> float:
        """Return one radian."""
        return 1.0

    def ground_truth(self) -> TrueState:
        """Return where the spot is, and whether the point is there."""
        distance = float(np.linalg.norm(self._place() - self._spot))
        spot = {"spot_x": float(self._spot[0]), "spot_y": float(self._spot[1])}
        return TrueState(distance < self._reached, spot)

    def urdf(self, robot: str = "panda") -> str:
        """Return a single link: it has no joints to be named after the robot."""
        return URDF

    def fail_soon(self) -> str:
        """Fail at the end of the next motion."""
        self._fails = True
        return "the next motion fails"

    def close(self) -> None:
        """Nothing is open."""

    def _place(self) -> np.ndarray:
        return self._workspace.to_normalised(self._pose[:2])

    def _pass(self, watch: Callable[[], None] | None) -> None:
        self._ticks += 1
        if watch is not None:
            watch()

    def _draw(self, image: np.ndarray, place: np.ndarray, colour: tuple[int, int, int]) -> None:
        size = np.array(image.shape[1::-1]) - 1  # width, height
        column, row = np.round((place + 1.5) / 3.0 * size).astype(int)
        rows = slice(max(0, row - SPOT), row + SPOT + 1)
        image[rows, max(0, column - SPOT) : column + SPOT + 1] = colour
