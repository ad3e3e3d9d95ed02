"""A Franka arm over its own interface (FCI), through franky: the 1 kHz loop runs in C++."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mentor_arm.backends.background_call import BackgroundCall
from mentor_arm.backends.driver import CancelCheck, DriverError, JointState, Readings, never
from mentor_arm.backends.frames import commanded, inverse, quaternion, transform
from mentor_arm.backends.franka_hand import FrankaHand
from mentor_common.arm.backend import GripperCommand, GripperFailed, GripperState
from mentor_common.cell.cell_file import RobotCell
from mentor_common.cell.hardware_library import hardware_library
from mentor_common.node.remote_action import Cancelled
from mentor_common.tasks.arm_section import ArmSection

Float64 = npt.NDArray[np.float64]
CONNECT_TIMEOUT = 4.0  # seconds; a control box that another client holds does not answer at all
TORQUE_LIMITS = np.array([87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0])
JOINT_LOW = np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973])
JOINT_HIGH = np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973])
"""Joint limits of a Panda, radians; a Research 3 has a little less in some and more in others."""
JOINT_MARGIN = 0.02  # radians from a limit at which the arm stops
ROTATION_CLIP = 0.3  # radians of orientation error beyond which the torque grows no more
NULLSPACE_STIFFNESS, NULLSPACE_DAMPING = 5.0, 2.0  # N m/rad, N m s/rad
FEED = 0.9
"""Share of the greatest spring force that a commanded velocity adds at most: if this process stalls
in a swing, the spring stops the arm near the last command."""


class FciDriver:
    """See :class:`mentor_arm.backends.driver.Driver`.

    Args:
        robot: how the arm is reached and mounted.
        section: stiffness and thresholds of the task.

    Raises:
        HardwareLibraryMissing: franky-control is not installed.
    """

    joint_names = tuple(f"fr3_joint{index}" for index in range(1, 8))

    def __init__(self, robot: RobotCell, section: ArmSection) -> None:
        self._franky = hardware_library("franky", "franky-control")
        self._cell, self._section = robot, section
        self._to_base = inverse(transform(robot.base))
        self._to_workspace = transform(robot.base)
        self.fault = "not connected yet"
        self._robot: Any = None
        self._tracker: Any = None
        self._connecting = BackgroundCall("connect to the robot")
        self._regaining = BackgroundCall("the robot's recovery")
        self._hand = FrankaHand(self._franky, robot.address, self._what)
        self._pose = np.eye(4)
        self._joints = (np.zeros(7), np.zeros(7), np.zeros(7))
        self._readings = Readings("not connected")
        self._ticks, self._ticked = 0.0, 0.0

    @property
    def connected(self) -> bool:
        """Whether the control box answers."""
        return self._robot is not None

    def connect(self, cancelled: CancelCheck = never) -> None:
        """Connect, set end effector, load and collision behaviour, and hold (see Driver)."""
        self._drop()
        self._robot = self.dial(cancelled, self._prepare)
        self.fault = "no controller runs yet"
        self._regain(CONNECT_TIMEOUT, cancelled)

    def _prepare(self, robot: Any) -> None:
        """Set end effector, load and collision behaviour, and end errors that it was found in."""
        robot.set_ee(transform(self._cell.end_effector).flatten(order="F").tolist())
        load = self._cell.load
        robot.set_load(load.mass, list(load.centre), np.diag(load.inertia).ravel().tolist())
        contact = self._section.contact
        robot.set_collision_behavior(contact.torque, contact.force)
        if robot.has_errors:
            robot.recover_from_errors()

    def observe(self) -> None:
        """Read the state (see Driver)."""
        if self._robot is None:
            return
        try:
            if self._tracker is not None and not self._robot.is_in_control:
                self._tracker = None
                self._robot.poll_motion()  # raises why it ended
                self.fault = self.fault or "the controller has ended"
            if not self.fault or self._tracker is not None:
                self._keep(self._robot.state)
        except Exception as error:
            self._fail(error)

    def pose(self) -> tuple[Float64, Float64]:
        """Return the end effector's pose in the workspace's frame."""
        return self._pose[:3, 3].copy(), quaternion(self._pose[:3, :3])

    def joint_state(self) -> JointState:
        """Return positions, velocities and torques of the joints."""
        return self._joints

    def command(self, pose: Float64, velocity: Float64 | None = None) -> None:
        """Set the reference of the impedance controller (see Driver)."""
        if self._tracker is None:
            raise DriverError(self.fault or "no controller runs")
        base = self._to_base @ commanded(pose)
        try:
            twist = None if velocity is None else self._franky.Twist(self._fed(velocity))
            self._tracker.set_target(self._franky.Affine(base), twist)
        except Exception as error:
            self._fail(error)

    def _fed(self, velocity: Float64) -> Float64:
        """Return as much of a commanded velocity, in the base's frame, as FEED allows, m/s."""
        impedance, contact = self._section.impedance, self._section.contact
        pull = impedance.damping * float(np.linalg.norm(velocity[:3]))
        share = min(1.0, FEED * contact.force / max(pull, 1e-9))
        return np.asarray(share * (self._to_base[:3, :3] @ velocity[:3]))

    def recover(self, timeout: float, cancelled: CancelCheck = never) -> None:
        """End a reflex by the robot's automatic error recovery (see Driver)."""
        if self._tracker is None or not self._robot.is_in_control:
            self._regain(timeout, cancelled, self._robot.recover_from_errors)
        else:
            self._end_fault(self._robot.state)

    def _regain(
        self, timeout: float, cancelled: CancelCheck, first: Callable[[], Any] = lambda: None
    ) -> None:
        """Control the robot where it stands.

        All of it is one call in the background: with a box that is silent, each of franky's calls
        blocks for seconds, and none can be interrupted.

        Args:
            timeout: seconds of wall time.
            cancelled: polled meanwhile; True ends it.
            first: called before.

        Raises:
            DriverError: it cannot be controlled.
            Cancelled: `cancelled` was True.
        """
        robot, self._tracker = self._robot, None

        def regain() -> tuple[Any, Any]:
            first()
            state = robot.state
            return self._controller(robot, state), state

        try:
            tracker, state = self._regaining.result(regain, timeout, cancelled)
            if not robot.is_in_control:
                raise DriverError("the controller has ended")
        except TimeoutError as error:
            raise DriverError(f"{error} (robot at {self._cell.address})") from error
        except (DriverError, Cancelled):
            raise
        except Exception as error:  # franky's exceptions share no base
            self._fail(error)
            raise DriverError(self.fault) from error
        self._tracker = tracker
        self._end_fault(state)

    def _end_fault(self, state: Any) -> None:
        """Forget the fault; a joint that is still at its limit is the next one."""
        self.fault = ""
        self._keep(state)

    def gripper(self, command: GripperCommand) -> GripperState:
        """Carry out a command of the Franka Hand (see Driver)."""
        if self._cell.gripper == "none":
            raise GripperFailed("the cell has no gripper (cell file)")
        return self._hand.carry_out(command)

    def readings(self) -> Readings:
        """Return mode, rate, success, torque, force and wrench."""
        return self._readings

    def close(self) -> None:
        """Stop the controller and let go of the robot."""
        if self._tracker is not None:
            try:
                self._tracker.stop()
            except Exception as error:
                self.fault = self._what(error)
        self._drop()

    def dial(
        self, cancelled: CancelCheck = never, prepare: Callable[[Any], None] = lambda robot: None
    ) -> Any:
        """Return a connected robot.

        franky waits for ever for a box that another client holds; this does not.

        Args:
            cancelled: polled while it waits.
            prepare: called with the robot before it is returned.

        Raises:
            DriverError: it refuses, or does not answer for CONNECT_TIMEOUT.
            Cancelled: `cancelled` was True.
        """
        config, address = self._franky.RealtimeConfig, self._cell.address
        realtime = config.Enforce if self._cell.realtime == "enforce" else config.Ignore

        def connect() -> Any:
            robot = self._franky.Robot(address, realtime_config=realtime)
            prepare(robot)
            return robot

        try:
            return self._connecting.result(connect, CONNECT_TIMEOUT, cancelled)
        except TimeoutError:
            raise DriverError(
                f"the control box at {address} does not answer for {CONNECT_TIMEOUT:g} s"
                "; is another client connected to it?"
            ) from None
        except Cancelled:
            raise
        except Exception as error:
            raise DriverError(self._what(error)) from error

    def _controller(self, robot: Any, state: Any) -> Any:
        """Return the impedance controller, which has begun to hold the arm where it stands."""
        franky, impedance, contact = self._franky, self._section.impedance, self._section.contact
        return franky.CartesianImpedanceTracker(
            robot,
            translational_stiffness=impedance.stiffness,
            rotational_stiffness=impedance.rotational_stiffness,
            damping=np.repeat([impedance.damping, impedance.rotational_damping], 3),
            translational_error_clip=np.full(3, contact.force / impedance.stiffness),
            rotational_error_clip=np.full(3, ROTATION_CLIP),
            posture_task=franky.PostureTask(
                np.array(state.q), NULLSPACE_STIFFNESS, NULLSPACE_DAMPING
            ),
        )

    def _keep(self, state: Any) -> None:
        frame = state.O_T_EE
        base = np.array(frame.matrix)
        self._pose = self._to_workspace @ base
        angles, torques = np.array(state.q), np.array(state.tau_J)
        self._joints = (angles, np.array(state.dq), torques)
        now = time.monotonic()
        if now - self._ticked >= 0.5:
            ticks = float(state.time.to_msec())
            rate = (ticks - self._ticks) / (now - self._ticked) if self._ticked else 0.0
            self._ticks, self._ticked = ticks, now
            self._rate = rate if 0.0 < rate < 2000.0 else float("nan")
        turn = self._to_workspace[:3, :3]
        wrench = (np.array(state.O_F_ext_hat_K).reshape(2, 3) @ turn.T).ravel()
        self._readings = Readings(
            mode=str(state.robot_mode).rpartition(".")[2],
            rate=self._rate,
            success=float(state.control_command_success_rate),
            torque=float(np.abs(torques / TORQUE_LIMITS).max()),
            force=float(np.linalg.norm(wrench[:3])),
            wrench=wrench,
        )
        room = np.minimum(angles - JOINT_LOW, JOINT_HIGH - angles)
        if room.min() < JOINT_MARGIN and not self.fault:
            joint = int(room.argmin())
            self.fault = f"{self.joint_names[joint]} is at its limit ({angles[joint]:.3f} rad)"

    _rate = float("nan")

    def _fail(self, error: Exception) -> None:
        self.fault = self._what(error)
        if isinstance(error, self._franky.NetworkException):
            self._drop()

    def _what(self, error: Exception) -> str:
        kind = type(error).__name__.removesuffix("Exception").lower()
        address, text = self._cell.address, " ".join(str(error).split())
        if isinstance(error, self._franky.RealtimeException) and "kernel" in text:
            return (
                f"the robot at {address} is not connected: this kernel has no PREEMPT_RT; install "
                "one, or set robot.realtime to ignore in the cell file"
            )
        return f"{kind} error of the robot at {address}: {text}"

    def _drop(self) -> None:
        """Forget the connection; a killed box needs a new one."""
        self._tracker = None
        self._hand.drop()
        # What a call for the lost connection still returns is not of the next one.
        self._regaining = BackgroundCall(self._regaining.name)
        self._robot = None
        self._readings = Readings("not connected")
