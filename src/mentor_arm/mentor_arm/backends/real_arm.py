"""A real arm as a backend: motions in real time, within the limits, stopped by faults."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mentor_arm.backends.driver import Driver, DriverError, JointState
from mentor_arm.limits import CommandGuard, CommandRefused, PoseBounds, slowed
from mentor_common.arm.backend import GripperCommand, GripperState, Watch
from mentor_common.arm.stroke import Stroke
from mentor_common.arm.trajectory import Trajectory
from mentor_common.node.remote_action import Cancelled
from mentor_common.tasks.arm_section import ArmSection
from mentor_common.tasks.workspace import Workspace

Float64 = npt.NDArray[np.float64]
LONGEST_TICK = 0.02
"""The most, in seconds, by which a motion advances between two commands. After a stall of this
process the motion is late, but does not jump."""
WATCHED_EVERY = 0.02  # seconds between two calls of `watch`
SETTLE = 0.3
"""Seconds that an arm which lags behind has to reach its pose after the end of a motion."""
RECOVERY_TIMEOUT = 10.0  # seconds of wall time, where a goal names none
RETRY_EVERY = 0.2  # seconds of wall time between two attempts of a recovery
RECONNECT_EVERY = 1.0  # seconds of wall time between two attempts while nothing else is to do

MOST_TILT = 0.2
"""Radians by which the hand may be off pointing down before a motion: its first command turns it
upright at once, whatever the limits."""


class Clock(Protocol):
    """Time, so that a test need not wait for it."""

    def now_ns(self) -> int:
        """Return ROS time, nanoseconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class WallClock:
    """The machine's time."""

    now_ns = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


class RealArm:
    """An ArmBackend over a driver.

    Args:
        driver: driver of the robot.
        workspace: workspace of the task.
        section: stiffness and limits of the task.
        bounds: where commands may be.
        rate: commands per second.
        clock: time.
        cancelled: polled during a recovery or a connection; True ends it at once.
    """

    resets = False

    def __init__(
        self,
        driver: Driver,
        workspace: Workspace,
        section: ArmSection,
        bounds: PoseBounds,
        rate: float,
        clock: Clock | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.driver = driver
        self._workspace, self._section, self._bounds = workspace, section, bounds
        self._tick = 1.0 / rate
        self._clock: Clock = clock or WallClock()
        self._cancelled = cancelled
        self._guard: CommandGuard | None = None
        self._stopped_because = ""
        self._own_fault = ""
        self._newest_ns = 0
        self._try_again = 0.0
        self._last_command_at = 0.0  # when the last command of a motion was sent
        self.commands = 0
        self.late_commands = 0

    # The arm (see ArmBackend).

    @property
    def joint_names(self) -> Sequence[str]:
        """Names of the joints."""
        return self.driver.joint_names

    @property
    def time(self) -> int:
        """ROS time, nanoseconds; never goes back, whatever the machine's clock does."""
        self._newest_ns = max(self._newest_ns, self._clock.now_ns())
        return self._newest_ns

    @property
    def stopped(self) -> str:
        """Why :meth:`stop` was called; empty since :meth:`release`."""
        return self._stopped_because

    @property
    def fault(self) -> str:
        """Why the arm does not move; empty if it can."""
        return self._stopped_because or self._own_fault or self.driver.fault

    def pose(self) -> tuple[Float64, Float64]:
        """Return the end effector's position (3,) and quaternion (x, y, z, w), workspace frame."""
        return self.driver.pose()

    def joint_state(self) -> JointState:
        """Return positions, velocities and efforts of the joints."""
        return self.driver.joint_state()

    def follow(
        self, trajectory: Trajectory, midway: Watch | None = None, watch: Watch | None = None
    ) -> None:
        """Carry out a motion in real time (see ArmBackend); it begins where the last one ended.

        A strike swings with its share of the greatest speed, or as strongly as bounds and
        acceleration allow.
        """
        guard = self._guarded()
        if guard is None:
            return
        way = self._way(trajectory)
        try:
            self._run(way, midway, watch)
        except BaseException:
            self._brake()
            raise
        if self.fault:
            self._brake()
            return
        off = self._settle(way.last)
        if off > self._section.contact.reach_error and not self.fault:
            self._own_fault = f"pose not reached, {off:.3f} m off"

    def hold(self, pose: Float64, seconds: float, watch: Watch | None = None) -> None:
        """Stay for a while where the arm was last sent; `pose` is not used."""
        if self._guarded() is not None:
            still = self._start()
            self._run(Trajectory(still, still, seconds), None, watch)

    def begin_episode(self, seed: int | None, start: Float64, options: dict[str, object]) -> None:
        """Begin where the arm stands. Raises: ValueError for options; a real cell has none."""
        if options:
            raise ValueError(f"a real cell takes no options of an episode, got {sorted(options)}")

    def recover(self, timeout: float = 0.0) -> None:
        """End a fault, reconnecting if need be; the arm stays where it is (see ArmBackend).

        Raises: Cancelled: the caller cancelled it; the fault remains.
        """
        if self._stopped_because:
            return  # a person holds it, and a person lets it go
        seconds = timeout or RECOVERY_TIMEOUT
        until = self._clock.monotonic() + seconds
        while True:
            try:
                if self.driver.connected:
                    left = max(0.1, until - self._clock.monotonic())
                    self.driver.recover(left, self._cancelled)
                else:
                    self.driver.connect(self._cancelled)
                break
            except DriverError as error:
                self.driver.fault = str(error)
                if self._clock.monotonic() >= until:
                    return
                self._pause(RETRY_EVERY)
        self._own_fault = ""
        self._guard = None

    def _pause(self, seconds: float) -> None:
        """Let time pass within a recovery. Raises: Cancelled."""
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0.0:
            if self._cancelled():
                raise Cancelled("cancelled during the recovery")
            self._clock.sleep(min(left, WATCHED_EVERY))

    def gripper(self, command: GripperCommand) -> GripperState:
        """Carry out a command of the gripper (see ArmBackend)."""
        return self.driver.gripper(command)

    # For the node.

    def idle(self) -> None:
        """Read the state while nothing is to do; connect if the robot is not connected."""
        if not self.driver.connected:
            now = self._clock.monotonic()
            if now < self._try_again:
                return
            self._try_again = now + RECONNECT_EVERY
            try:
                self.driver.connect(self._cancelled)
            except DriverError as error:
                self.driver.fault = str(error)
                return
            except Cancelled:
                return
            self._guard = None  # a fault of its own stays until it is recovered from
        self._read_and_check_force()

    def stop(self, reason: str) -> None:
        """Stop at once and move no more until :meth:`release`; callable from any thread."""
        self._stopped_because = reason

    def release(self) -> None:
        """Let the arm move again after :meth:`stop`."""
        self._stopped_because = ""

    def _guarded(self) -> CommandGuard | None:
        """Return the guard of the commands; the first command is where the arm stands."""
        if self.fault:
            return None
        if self._guard is None:
            position, quaternion = self.pose()
            x, y = quaternion[:2]
            tilt = float(np.arccos(np.clip(2.0 * (x * x + y * y) - 1.0, -1.0, 1.0)))
            if tilt > MOST_TILT:
                self._own_fault = (
                    f"the hand is tilted by {tilt:.2f} rad, at most {MOST_TILT:g}: guide it "
                    "upright, then recover"
                )
                return None
            names = self._workspace.names
            place = self._workspace.xyzr(self._workspace.position_of(position, quaternion))
            place[:3] = position
            if "r" not in names:
                turn = 2.0 * np.arctan2(quaternion[1], quaternion[0])
                place[3] = (turn + np.pi) % (2.0 * np.pi) - np.pi
            self._guard = CommandGuard(self._bounds, self._section.limits, place)
        return self._guard

    def _way(self, trajectory: Trajectory) -> Trajectory:
        """Return the commanded poses of a motion, within the limits."""
        first, limits = self._start(), self._section.limits
        if trajectory.strike <= 0.0:
            return slowed(Trajectory(first, trajectory.last, trajectory.seconds), limits)
        speed = trajectory.strike * limits.speed
        stroke = slowed(Stroke(first, trajectory.last, trajectory.seconds, speed=speed), limits)
        assert isinstance(stroke, Stroke)
        return stroke.within(self._bounds.low, self._bounds.high, limits.speed, limits.acceleration)

    def _start(self) -> Float64:
        """Return where a motion begins: where the arm was last sent, so that it never jumps."""
        assert self._guard is not None
        return np.array(self._guard.pose)

    def _run(self, way: Trajectory, midway: Watch | None, watch: Watch | None) -> None:
        """Send the commands of a motion one by one; return early with a fault."""
        clock, elapsed, unwatched = self._clock, 0.0, 0.0
        due = last = clock.monotonic()
        while elapsed < way.seconds and not self.fault:
            due += min(self._tick, way.seconds - elapsed)
            clock.sleep(max(0.0, due - clock.monotonic()))
            now = clock.monotonic()
            passed, last = now - last, now
            if passed > LONGEST_TICK:
                self.late_commands += 1
                due, passed = now, LONGEST_TICK
            passed = min(max(passed, 1e-4), way.seconds - elapsed)
            elapsed += passed
            self._last_command_at = now
            self._command(way.at(elapsed / way.seconds), passed, isinstance(way, Stroke))
            self._read_and_check_force()
            if midway is not None and elapsed >= way.seconds / 2.0:
                midway()
                midway = None
            unwatched += passed
            if watch is not None and unwatched >= WATCHED_EVERY:
                unwatched = 0.0
                watch()

    def _settle(self, last: Float64) -> float:
        """Wait until the arm is where it was sent, SETTLE at most; return metres that it is off."""
        until = self._clock.monotonic() + SETTLE
        while True:
            off = float(np.linalg.norm(self.pose()[0] - last[:3]))
            near = off <= self._section.contact.reach_error
            if near or self.fault or self._clock.monotonic() >= until:
                return off
            self._clock.sleep(self._tick)
            self._read_and_check_force()

    def _brake(self) -> None:
        """Bring the commands to rest at the limit of acceleration."""
        # From the last command on: a pause before the first one here would be a jerk.
        guard, last = self._guard, self._last_command_at
        while guard is not None and guard.moving and not self.driver.fault:
            self._clock.sleep(self._tick)
            now = self._clock.monotonic()
            passed, last = min(now - last, LONGEST_TICK), now
            try:
                self.driver.command(guard.brake(passed))
            except DriverError as error:
                self.driver.fault = str(error)
            self._read_and_check_force()

    def _command(self, wanted: Float64, seconds: float, swings: bool) -> None:
        guard = self._guard
        assert guard is not None
        try:
            pose = guard.check(wanted, seconds)
            self.driver.command(pose, guard.velocity if swings else None)
            self.commands += 1
        except CommandRefused as error:
            self._own_fault = f"command refused by the arm node's last check: {error}"
        except DriverError as error:
            self.driver.fault = str(error)

    def _read_and_check_force(self) -> None:
        self.driver.observe()
        force, limit = self.driver.readings().force, self._section.contact.stop_force
        if force > limit and not self._own_fault:
            self._own_fault = f"external force {force:.1f} N, at most {limit:g} N"
