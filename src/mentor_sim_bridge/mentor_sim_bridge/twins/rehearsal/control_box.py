"""A simulated control box: the robot's own protocol (FCI) on a loopback address, and behind it the
arm of a rehearsal's world. Run as a process of its own: ``python -m ...control_box``."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from mentor_common.cell.hardware_library import hardware_library
from mentor_sim_bridge.twins.rehearsal.world import Pace, World
from mentor_sim_bridge.twins.rehearsal.world_process import run_world

PERIOD = 0.001
HOLD_STIFFNESS = (600.0, 600.0, 600.0, 600.0, 250.0, 150.0, 50.0)
HOLD_DAMPING = (30.0, 30.0, 30.0, 30.0, 10.0, 10.0, 5.0)
"""With which the box holds the arm while no client moves it, N m/rad and N m s/rad: the protocol's
server has ten times as much, which is not stable in steps of up to 5 ms."""
MOVE_FORCE = 70.0
"""Force with which the protocol's server has the fingers move, newtons; what asks for less grasps,
which that server does not tell apart: it would stop in the air at the width of the object."""
AHEAD = 0.001
"""Seconds that pass in the world on one torque command at most. A client that controls the arm's
impedance commands torques for the velocities that it has seen; where they act for longer, they push
the arm on instead of damping it, and it runs away. So a world whose client is late stands still."""
SILENT = 0.1
"""Seconds of wall time without a torque command after which the box brakes and holds the arm."""
JOINT_OFFSETS = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.57, 0.7854])
"""Joint angles of the robot minus those of the twin's model, whose last joints count from
elsewhere, radians. With them, and 0.0346 m from the hand's own end effector to the twin's grasp
point (cells/rehearsal.yaml), the kinematics of both agree to 0.1 mm."""


class Commands:
    """Torque commands, and what becomes of one that nobody follows up.

    Attributes:
        ahead: seconds that may still pass in the world on the last one.
    """

    def __init__(self, world: World) -> None:
        self._world, self._last, self._held = world, time.monotonic(), world.angles
        self.ahead = AHEAD

    def torques(self, commanded: np.ndarray, new: bool) -> np.ndarray:
        """Return the torques to apply, (7,) N m: where the client has fallen silent, those of the
        box, which hold the arm."""
        now, world = time.monotonic(), self._world
        silent = not new and now - self._last > SILENT
        if new:
            self._last = now
        if new or silent:
            self.ahead = AHEAD
        if not silent:
            self._held = world.angles
            return commanded
        pull = np.array(HOLD_STIFFNESS) * (self._held - world.angles)
        return pull - np.array(HOLD_DAMPING) * world.velocities


def make_box(world: World, address: str) -> Any:
    """Return the server of a control box.

    Args:
        world: world whose arm it moves.
        address: address that it listens on, ports 1337 and 1338.

    Raises:
        HardwareLibraryMissing: franky-sim is not installed.
        OSError: the address is taken.
    """
    library = hardware_library("franky_sim", "franky-sim")
    base = hardware_library("franky_sim.base_simulator", "franky-sim")

    class Arm(base.BaseRobot):  # type: ignore[name-defined, misc]
        """The arm as the protocol's server sees it."""

        def __init__(self) -> None:
            # Gravity is compensated in the world, for the masses that the model has.
            parameters = base.RobotParameters(gravity=(0.0, 0.0, 0.0))
            super().__init__(robot_parameters=parameters, kp=HOLD_STIFFNESS, kv=HOLD_DAMPING)
            self.commands = Commands(world)

        def torque_control(self, torques: np.ndarray, has_new_command: bool = True) -> None:
            """Apply a client's torques, or the box's own."""
            torques = self.commands.torques(torques, has_new_command)
            super().torque_control(torques, has_new_command)

        def _get_state(self) -> Any:
            return base.InnerRobotState(
                q=tuple((world.angles + JOINT_OFFSETS).tolist()),
                dq=tuple(world.velocities.tolist()),
                tau_j=tuple(world.torques.tolist()),
            )

        def _torque_control(self, torques: np.ndarray) -> None:
            world.torques[:] = torques

        def set_hand_goal(self, width: float, max_velocity: float, max_force: float) -> None:
            world.move_fingers(width, grasps=max_force < MOVE_FORCE)

        def _get_hand_width(self) -> float:
            return world.finger_width

    class Box(base.BaseSimulator):  # type: ignore[name-defined, misc]
        """One arm."""

        def __init__(self) -> None:
            super().__init__()
            self._arm = Arm()

        def _get_robots(self) -> list[Any]:
            return [self._arm]

        def _step(self) -> None:
            self._arm.commands.ahead -= world.step(self._arm.commands.ahead)

    box = Box()
    box.init()
    return library.SimulationServer(box, [address])


def serve(world: World, address: str, stop: list[bool]) -> None:
    """Run the control box at 1 kHz, or as fast as the machine can, until `stop` is not empty."""
    server = make_box(world, address)
    server.init()
    pace = Pace(PERIOD)
    try:
        while not stop:
            for robot in server.robot_servers:
                robot.process_commands()
            server.sim.step()
            for robot in server.robot_servers:
                robot.send_state()
            pace.wait()
    finally:
        server.cleanup()


if __name__ == "__main__":
    sys.exit(run_world(serve, __doc__))
