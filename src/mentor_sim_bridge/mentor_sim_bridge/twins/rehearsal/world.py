"""The world of a rehearsal: a twin's scene that runs in real time, whatever moves its arm."""

from __future__ import annotations

import math
import time
from pathlib import Path

import mujoco
import numpy as np
import numpy.typing as npt

from mentor_common.tasks.plugins import TWINS, load_plugin
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.arm.panda import ARM_JOINTS, FINGER_JOINTS
from mentor_sim_bridge.twins.arm.panda_simulator import PandaSimulator
from mentor_sim_bridge.twins.devices import HasDevices
from mentor_sim_bridge.twins.rehearsal.shared_devices import sensor_bits, set_fault, set_switches
from mentor_sim_bridge.twins.rehearsal.shared_state import SharedState
from mentor_sim_bridge.twins.simulator import Simulator

Float64 = npt.NDArray[np.float64]
SHORTEST = 0.001
"""Least step of physics, seconds: a loop that runs late takes longer ones, up to the twin's
`longest_step`, so that the world keeps to the wall clock."""
LATEST = 0.02
"""Seconds of physics in one turn of the loop; a world that is later than that loses time."""
PUBLISHED_EVERY = 4  # ticks between two writes of the shared state


class World:
    """A twin whose arm is moved by joint torques.

    Args:
        task: names the twin.
        seed: seed of the first episode, which lays everything and draws colours and physics.
        shared: where the state is published; None: nowhere.
    """

    def __init__(self, task: Task, seed: int, shared: Path | None = None) -> None:
        simulator: Simulator = load_plugin(TWINS, task.twin)(task, None, _image_size(task))
        if not isinstance(simulator, PandaSimulator):
            raise ValueError(
                f"task {task.file}: a rehearsal needs a PandaSimulator; twin '{task.twin}' is none"
            )
        start = np.mean([task.reset.start[name] for name in task.workspace.names], axis=1)
        begin: Simulator = simulator
        begin.begin_episode(seed, start, {})
        self.simulator: PandaSimulator = simulator
        self.model, self.data = simulator.model, simulator.data
        arm = [self.model.joint(name) for name in ARM_JOINTS]
        self._qpos = np.array([joint.qposadr[0] for joint in arm])
        self._dofs = np.array([joint.dofadr[0] for joint in arm])
        self._fingers = np.array([self.model.joint(name).qposadr[0] for name in FINGER_JOINTS])
        self._motors = np.array([self.model.actuator(name).id for name in ARM_JOINTS])
        self._servos = np.array([self.model.actuator(name).id for name in FINGER_JOINTS])
        self._devices = simulator if isinstance(simulator, HasDevices) else None
        self.torques = np.zeros(7)
        self.ticks = 0
        self._last = time.monotonic()
        self._shared = None
        if shared is not None:
            self._shared = SharedState(shared, self.model.nq, self.model.nv)
            self._shared.clear()

    @property
    def shared(self) -> SharedState | None:
        """Where the state is published."""
        return self._shared

    @property
    def angles(self) -> Float64:
        """Return the arm's joint angles, (7,) radians."""
        return np.array(self.data.qpos[self._qpos])

    @property
    def velocities(self) -> Float64:
        """Return the arm's joint velocities, (7,) radians per second."""
        return np.array(self.data.qvel[self._dofs])

    @property
    def bias(self) -> Float64:
        """Return gravity and Coriolis torques of the arm, (7,) N m."""
        return np.array(self.data.qfrc_bias[self._dofs])

    @property
    def finger_width(self) -> float:
        """Return the distance between the fingers, metres."""
        return float(self.data.qpos[self._fingers].sum())

    def move_fingers(self, width: float, grasps: bool = False) -> None:
        """Move the fingers, and with them what they take or let go (see PandaSimulator)."""
        self.data.ctrl[self._servos] = self.simulator.close_fingers(width, grasps) / 2.0

    def step(self, most: float = LATEST) -> float:
        """Let as much time pass as has passed since the last step, within its bounds.

        The torques come on top of gravity and Coriolis forces, as on a robot that compensates them.

        Args:
            most: seconds; with 0 the world stands still.

        Returns: seconds that passed.
        """
        if self._devices is not None and self._shared is not None:
            set_switches(self._devices, self._shared.switches)
            set_fault(self._devices, self._shared.fault)
        now = time.monotonic()
        passed, self._last = min(max(SHORTEST, now - self._last), most), now
        steps = math.ceil(passed / self.simulator.longest_step)
        for _ in range(steps):
            self.model.opt.timestep = passed / steps
            self.data.ctrl[self._motors] = self.torques + self.bias
            mujoco.mj_step(self.model, self.data)
            self.simulator.advance(passed / steps)
        self.ticks += 1
        if self._shared is not None and self.ticks % PUBLISHED_EVERY == 0:
            sensors = 0 if self._devices is None else sensor_bits(self._devices)
            hidden = self.simulator.hidden_state
            self._shared.write(self.ticks, self.data.qpos, self.data.qvel, sensors, hidden)
        return passed


def _image_size(task: Task) -> tuple[int, int]:
    """Return the size of the largest image that a camera of the task is used at."""
    height, width = np.max([task.image_size(camera.name) for camera in task.cameras], axis=0)
    return int(height), int(width)


class Pace:
    """Keeps a loop to a rate, without catching up on what it has missed.

    Args:
        period: seconds.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._next = time.monotonic()

    def wait(self) -> None:
        """Sleep until the next turn is due."""
        self._next += self._period
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        elif now - self._next > 0.02:
            self._next = now
