"""An arm that goes where it is sent at once, for tests of what stands above it."""

from __future__ import annotations

import numpy as np

from mentor_common.arm.arm import Arm
from mentor_common.arm.backend import GripperState
from mentor_common.tasks.workspace import Axis, Delta, Workspace

WORKSPACE = Workspace(
    "base", (Axis("x", 0.4, 0.6), Axis("z", 0.0, 0.1), Axis("r", -0.5, 0.5)), (0.0, 0.1, 0.0, 0.0)
)
DIMENSIONS = (Delta("x", 5.0), Delta("z", 4.0), Delta("r", 8.0), None)
PERIOD = 0.5


class FakeBackend:
    """Remembers every pose that it was sent to, and the strikes."""

    joint_names = ("joint",)

    def __init__(self, resets: bool = True) -> None:
        self.resets = resets
        self.time = 1_000_000_000
        self.fault = ""
        self.at = WORKSPACE.xyzr(np.zeros(3))
        self.poses: list[np.ndarray] = []
        self.strikes: list[float] = []
        self.slip = 0.0

    def pose(self):
        return WORKSPACE.pose(WORKSPACE.to_normalised(self.at[[0, 2, 3]]))

    def joint_state(self):
        return np.zeros(1), np.zeros(1), np.zeros(1)

    def follow(self, trajectory, midway, watch):
        for share in np.linspace(0.0, 1.0, 5):
            self.poses.append(trajectory.at(share))
            self.at = trajectory.at(share) + self.slip * np.eye(4)[0]
            self.time += round(trajectory.seconds * 2.5e8)
            if share == 0.5 and midway is not None:
                midway()
            if watch is not None:
                watch()
        self.strikes.append(trajectory.strike)

    def hold(self, pose, seconds, watch):
        self.at = pose + self.slip * np.eye(4)[0]
        self.time += round(seconds * 1e9)
        if watch is not None:
            watch()

    def begin_episode(self, seed, start, options):
        if self.resets:
            self.at = WORKSPACE.xyzr(start)

    def recover(self, timeout):
        self.fault = ""

    def gripper(self, command):
        return GripperState(command.width, command.command == "grasp")


class Seen:
    """What a step server shows."""

    def __init__(self) -> None:
        self.motions: dict[tuple[int, int], object] = {}
        self.pictures = 0

    def show(self, frames):
        self.pictures += frames

    def moved(self, episode, step, outcome):
        self.motions[episode, step] = outcome

    def pace(self):
        pass


def fake_arm(backend: FakeBackend) -> Arm:
    """An arm of three axes and a strike."""
    return Arm(backend, WORKSPACE, DIMENSIONS, PERIOD)
