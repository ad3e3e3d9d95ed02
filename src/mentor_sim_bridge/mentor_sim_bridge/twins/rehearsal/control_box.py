"""A simulated control box: the robot's own protocol (FCI) on a loopback address, and behind it the
arm of a rehearsal's world. Run as a process of its own: ``python -m ...control_box``."""

from __future__ import annotations

import sys
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
JOINT_OFFSETS = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.57, 0.7854])
"""Joint angles of the robot minus those of the twin's model, whose last joints count from
elsewhere, radians. With them, and 0.0346 m from the hand's own end effector to the twin's grasp
point (cells/rehearsal.yaml), the kinematics of both agree to 0.1 mm."""


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
            world.step()

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
