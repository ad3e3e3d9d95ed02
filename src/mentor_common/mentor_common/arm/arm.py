"""An arm on the normalised axes of a task: its target, and how far it may go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mentor_common.arm.backend import ArmBackend, Watch
from mentor_common.arm.trajectory import Trajectory
from mentor_common.tasks.arm_section import MotionLimits
from mentor_common.tasks.workspace import Delta, Workspace

Float64 = npt.NDArray[np.float64]
CLIPPED = "the action was clipped to [-1, 1], or its target to the workspace window"


@dataclass(frozen=True)
class MotionOutcome:
    """What a motion led to.

    Args:
        begin: its start, nanoseconds of ROS time.
        end: its end, likewise.
        clipped: the action was outside [-1, 1], or its target outside the window; being held back
            by the lead is not reported.
        failed: the arm did not execute the motion.
        reason: why it was clipped or failed; empty otherwise.
        normalized: where the end effector is, (axes,) normalised.
        position: where it is, (3,) metres.
        quaternion: how it is turned, (x, y, z, w).
    """

    begin: int
    end: int
    clipped: bool
    failed: bool
    reason: str
    normalized: Float64
    position: Float64
    quaternion: Float64


class ArmFault(RuntimeError):
    """The arm has a fault and does not move; the message names it."""


class Arm:
    """Carries out actions and moves; every motion starts from the last target.

    Args:
        backend: the arm.
        workspace: the task's axes.
        dimensions: what each action dimension moves; None: task-specific (golf's strike).
        period: duration of a step, seconds.
        limits: limits of the task, of which `lead` and `lead_turn` are used here.
    """

    def __init__(
        self,
        backend: ArmBackend,
        workspace: Workspace,
        dimensions: tuple[Delta | None, ...],
        period: float,
        limits: MotionLimits | None = None,
    ) -> None:
        limits = limits or MotionLimits()
        self.backend = backend
        self.workspace = workspace
        self.period = period
        self._dimensions = dimensions
        leads = [limits.lead_turn if axis.name == "r" else limits.lead for axis in workspace.axes]
        self._lead = 2.0 * np.array(leads) / (workspace.high - workspace.low)
        self.window_offset: Float64 = np.zeros(len(workspace.axes))
        self.target: Float64 = np.zeros(len(workspace.axes))
        """Where the arm was last sent, (axes,) normalised."""

    @property
    def position(self) -> Float64:
        """Where the end effector is, (axes,) normalised."""
        return self.workspace.position_of(*self.backend.pose())

    @property
    def target_pose(self) -> Float64:
        """Where the arm was last sent, (x, y, z, r)."""
        return self.workspace.xyzr(self.target)

    def begin_episode(
        self,
        seed: int | None,
        start: npt.ArrayLike,
        window_offset: npt.ArrayLike | None = None,
        options: dict[str, object] | None = None,
    ) -> bool:
        """Set up an episode and its workspace window.

        Args:
            seed: seed of all that a twin samples; None continues with its last random state.
            start: (axes,) normalised; clipped to the window.
            window_offset: offset of the window within which actions are clipped, (axes,)
                normalised; None: none.
            options: options of a twin's episode.

        Returns:
            whether the start was clipped.
        """
        self.window_offset = self.workspace.checked_offset(window_offset)
        start, clipped = self.workspace.clip(start, self.window_offset)
        self.backend.begin_episode(seed, start, options or {})
        self.target = start
        return clipped

    def act(
        self, action: npt.ArrayLike, midway: Watch | None = None, watch: Watch | None = None
    ) -> MotionOutcome:
        """Carry out one step: move the target by the action, within the window.

        An arm that something blocks is sent no farther than the task's lead ahead of where it is.

        Args:
            action: (action_size,); clipped to [-1, 1].
            midway: called at the motion's middle.
            watch: called while the arm moves.

        Raises:
            ValueError: the action is not `action_size` finite numbers.
            ArmFault: the arm has a fault.
        """
        target, clipped = self.workspace.next_target(
            self.target, action, self._dimensions, self.window_offset
        )
        position = self.position
        target = np.clip(target, position - self._lead, position + self._lead)
        strike = max(
            (v for v, d in zip(np.asarray(action), self._dimensions, strict=True) if d is None),
            default=0.0,
        )
        strike = float(np.clip(strike, 0.0, 1.0))
        return self._follow(target, self.period, clipped, strike, midway, watch)

    def move(
        self, target: npt.ArrayLike, seconds: float, watch: Watch | None = None
    ) -> MotionOutcome:
        """Move straight to a place in the workspace, whatever the episode's window.

        Args:
            target: (axes,) normalised; clipped to [-1, 1].
            seconds: duration.
            watch: called while the arm moves.

        Raises:
            ValueError: the target is not a finite place on the axes.
            ArmFault: the arm has a fault.
        """
        clipped_target, clipped = self.workspace.clip(target)
        return self._follow(clipped_target, seconds, clipped, 0.0, None, watch)

    def hold(self, seconds: float, watch: Watch | None = None) -> None:
        """Let time pass at the target."""
        self.backend.hold(self.target_pose, seconds, watch)

    def release_tension(self, seconds: float, watch: Watch | None = None) -> MotionOutcome:
        """Move the target to where the arm is, so that it no longer pulls or presses.

        Args:
            seconds: duration.
            watch: called while the arm moves.

        Raises:
            ArmFault: the arm has a fault.
        """
        return self._follow(self._place_within_bounds(), seconds, False, 0.0, None, watch)

    def stop(self) -> None:
        """Make the place where the arm is its target, within the bounds of all motions."""
        self.target = self._place_within_bounds()

    def _place_within_bounds(self) -> Float64:
        """Return where the arm is, (axes,) normalised, clipped to workspace and window together.

        Moves reach the whole workspace and actions the whole window, so an arm that they brought
        somewhere is not pulled away from there.
        """
        low = np.minimum(-1.0, self.window_offset - 1.0)
        return np.clip(self.position, low, np.maximum(1.0, self.window_offset + 1.0))

    def outcome(self, begin: int, clipped: bool) -> MotionOutcome:
        """Return what a motion that began at `begin` has led to by now."""
        fault = self.backend.fault
        position, quaternion = self.backend.pose()
        return MotionOutcome(
            begin,
            self.backend.time,
            clipped,
            bool(fault),
            fault or (CLIPPED if clipped else ""),
            self.workspace.position_of(position, quaternion),
            position,
            quaternion,
        )

    def _follow(
        self,
        target: Float64,
        seconds: float,
        clipped: bool,
        strike: float,
        midway: Watch | None,
        watch: Watch | None,
    ) -> MotionOutcome:
        if self.backend.fault:
            raise ArmFault(f"the arm has a fault: {self.backend.fault}; recover it first")
        begin, first = self.backend.time, self.target_pose
        self.target = target
        trajectory = Trajectory(first, self.target_pose, seconds, strike=strike)
        self.backend.follow(trajectory, midway, watch)
        return self.outcome(begin, clipped)
