"""A Panda in MuJoCo under impedance control: what all twins of arm cells share."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import mujoco
import numpy as np

from mentor_common.arm.backend import GripperCommand, GripperFailed, GripperState, Watch
from mentor_common.arm.trajectory import Trajectory
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.arm.camera_renderer import CameraRenderer
from mentor_sim_bridge.twins.arm.impedance import ImpedanceController, ImpedanceGains, solve_posture
from mentor_sim_bridge.twins.arm.panda import ARM_JOINTS, FINGER_JOINTS, GRASP_SITE
from mentor_sim_bridge.twins.arm.panda_urdf import panda_urdf

GUESS = np.array([-0.9, 0.5, 0.4, -2.0, -0.3, 0.9, -1.6])
"""Posture, radians, from which inverse kinematics begins."""
PACE = 4
"""Physics steps between two calls of `watch`, and between two checks of the joints; counted from
`place_arm` on, so that an episode does not depend on those before it."""


def _log_warning(message: str) -> None:
    logging.getLogger(__name__).warning("MuJoCo: %s", message.strip())


# Without it MuJoCo prints to stdout, where commands print their JSON, and into a file beside.
mujoco.set_mju_user_warning(_log_warning)

_KINDS = mujoco.mjtWarning
UNSTABLE = [
    int(kind) for kind in (_KINDS.mjWARN_BADQPOS, _KINDS.mjWARN_BADQVEL, _KINDS.mjWARN_BADQACC)
]
"""MuJoCo's warnings of numbers that are not finite, or huge; it then begins anew by itself."""
Size = tuple[int, int]
SIZE: Size = (168, 168)
"""Height and width of the camera images, pixels, unless another is asked for."""
GRIPPER_REPORT = 100_000_000
"""Nanoseconds of simulated time between two reports of how far apart the moving fingers are."""
OPEN = 0.04
"""Greatest opening of each finger, metres."""
WIDTH_TOLERANCE = 0.005
"""Metres by which the width of a grasped object may differ from what is expected."""


class FingersStopped(GripperFailed):
    """A gripper command was cancelled or timed out; the fingers stand where they were then."""


@dataclass(frozen=True)
class ArmFaults:
    """What is a fault of the arm.

    Args:
        reach_error: metres from its commanded pose at the end of a motion.
        joint_margin: radians from a joint's limit.
    """

    reach_error: float
    joint_margin: float


def check_fits(task: Task, axes: tuple[str, ...], cameras: tuple[str, ...]) -> None:
    """Check that a task is one of a twin's.

    Args:
        task: task of the cell.
        axes: axes of the twin's workspace.
        cameras: cameras of the twin.

    Raises:
        ValueError: the task has other axes or cameras.
    """
    names = tuple(camera.name for camera in task.cameras)
    if task.workspace.names != axes or set(names) != set(cameras):
        raise ValueError(
            f"task {task.file}: axes {task.workspace.names} and cameras {names}, "
            f"must be {axes} and {cameras}"
        )


class PandaSimulator:
    """The arm of a twin; a twin adds its scene, its episodes and its true state.

    Args:
        model: holds the Panda (`panda_spec`) with motors and finger servos.
        task: task whose workspace and starts it has.
        cameras: names of the scene's cameras.
        faults: faults of the arm.
        image_size: height and width of the camera images, pixels.
        fingers: opening of each finger that holds what the cell is about, metres.
        gains: gains of the impedance control.
    """

    resets = True
    guess = GUESS
    longest_step = 0.005
    """Seconds of physics of one step at most, where the scene runs in real time."""
    joint_names = (*ARM_JOINTS, *FINGER_JOINTS)

    def __init__(
        self,
        model: mujoco.MjModel,
        task: Task,
        cameras: tuple[str, ...],
        faults: ArmFaults,
        image_size: Size,
        fingers: float,
        gains: ImpedanceGains | None = None,
    ) -> None:
        self.workspace = task.workspace
        self.cameras = cameras
        self.middle_start = np.mean([task.reset.start[name] for name in task.workspace.names], 1)
        """The middle of the places where an episode may start, (axes,) normalised."""
        self.gains = gains or ImpedanceGains()
        self._arm_faults = faults
        self.image_size = image_size
        self._renderer: CameraRenderer | None = None
        self._grip = self._fingers = fingers
        self._ticks = self._placed_at = 0
        self._stopped_at = np.zeros(4)
        self.load(model)

    hidden_state = 0.0
    """Number that a rehearsal's copies of the twin must know beside positions and velocities."""

    def load(self, model: mujoco.MjModel) -> None:
        """Start again with a model, which may differ from the one before by numbers alone.

        Nothing of the previous state remains but the time, which continues.
        """
        self.model = model
        self.data = mujoco.MjData(model)
        self.fault = ""
        self._controller = ImpedanceController(model, self.gains)
        self._site = model.site(GRASP_SITE).id
        joints = [model.joint(name) for name in self.joint_names]
        self._joints = np.array([joint.qposadr[0] for joint in joints])
        self._joint_dofs = np.array([joint.dofadr[0] for joint in joints])
        self._joint_low, self._joint_high = np.array([joint.range for joint in joints[:7]]).T
        self._timestep = float(model.opt.timestep)

    # The arm (see ArmBackend).

    @property
    def time(self) -> int:
        """Return nanoseconds of simulated time since this was made; never goes back."""
        return self._ticks * round(self._timestep * 1e9)

    def pose(self) -> tuple[np.ndarray, np.ndarray]:
        """Return position (3,) in metres and quaternion (x, y, z, w) of the grasp point."""
        quaternion = np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, self.data.site_xmat[self._site])
        return self.data.site_xpos[self._site].copy(), quaternion[[1, 2, 3, 0]]

    def joint_state(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return positions, velocities, efforts, (9,) each: arm joints, then both fingers."""
        dofs = self._joint_dofs
        return self.data.qpos[self._joints], self.data.qvel[dofs], self.data.qfrc_actuator[dofs]

    def follow(
        self, trajectory: Trajectory, midway: Watch | None = None, watch: Watch | None = None
    ) -> None:
        """Carry out a motion (see ArmBackend); it takes whole steps of physics, two at least."""
        ticks = max(2, round(trajectory.seconds / self._timestep))
        self._run(trajectory, range(ticks // 2), ticks, watch)
        if midway is not None:
            midway()
        self._run(trajectory, range(ticks // 2, ticks), ticks, watch)
        off = float(np.linalg.norm(self.data.site_xpos[self._site] - trajectory.last[:3]))
        if off > self._arm_faults.reach_error:
            self._fail(f"pose not reached, {off:.3f} m off")

    def hold(self, pose: np.ndarray, seconds: float, watch: Watch | None = None) -> None:
        """Stay at a commanded pose (x, y, z, r) for a while."""
        self._run(Trajectory(pose, pose, seconds), range(round(seconds / self._timestep)), 1, watch)

    def gripper(self, command: GripperCommand) -> GripperState:
        """Open or close the fingers; they hold what is between them by a constraint, if at all.

        Raises:
            GripperFailed: the fingers do not open so far, or hold nothing of that width.
            FingersStopped: it was cancelled, or took longer than its timeout.
        """
        if command.width > 2 * OPEN:
            raise GripperFailed(f"width {command.width:g} m, at most {2 * OPEN:g} m")
        return self.use_fingers(command)

    def use_fingers(self, command: GripperCommand) -> GripperState:
        """Carry out a command whose width the fingers have. Raises: GripperFailed."""
        if command.command == "grasp":
            return self.grasp(command, 2 * self._grip)
        return self._move_fingers(command)

    def grasp(self, command: GripperCommand, width: float) -> GripperState:
        """Close the fingers on what is between them.

        Args:
            command: names the expected width; 0: any.
            width: of what is between them, metres; 0: nothing.

        Raises:
            GripperFailed: it is nothing, or of another width.
        """
        self._move_fingers(replace(command, width=width))
        if not width:
            raise GripperFailed("the fingers closed on nothing", 0.0)
        if command.width and abs(width - command.width) > WIDTH_TOLERANCE:
            raise GripperFailed(
                f"what the fingers hold is {1000 * width:.1f} mm wide, "
                f"not {1000 * command.width:.1f} mm",
                width,
            )
        return GripperState(width, True)

    def _move_fingers(self, command: GripperCommand) -> GripperState:
        grasps = command.command == "grasp"
        self._fingers = min(OPEN, command.width / 2 if grasps else command.width / 2 or OPEN)
        begun, reported = self.time, 0

        def watch() -> None:
            nonlocal reported
            late = 0.0 < command.timeout < (self.time - begun) / 1e9
            if late or command.cancelled():
                self._fingers = self._finger_width() / 2  # they stay where they are
                how = f"took longer than {command.timeout:g} s" if late else "was cancelled"
                raise FingersStopped(f"{command.command} {how}")
            if self.time - reported >= GRIPPER_REPORT:
                reported = self.time
                command.moving(self._finger_width())

        self.hold(self.commanded(), 0.5, watch)
        return GripperState(self._finger_width(), grasps)

    def _finger_width(self) -> float:
        return float(self.data.qpos[self._joints[7:]].sum())

    # The cameras (see Simulator).

    def render(self, camera: str) -> np.ndarray:
        """Return one image, (H, W, 3) uint8 RGB."""
        return self.camera_renderer().render(self.model, self.data, camera)

    def field_of_view(self, camera: str) -> float:
        """Return the vertical field of view of a camera, radians."""
        return math.radians(float(self.model.camera(camera).fovy[0]))

    def camera_renderer(self) -> CameraRenderer:
        """Return the renderer; it belongs to the thread that asks first."""
        if self._renderer is None:
            self._renderer = CameraRenderer(self.model, *self.image_size)
        return self._renderer

    def urdf(self, robot: str = "panda") -> str:
        """Return the URDF of arm and optical frames; the joints' names begin with `robot`."""
        return panda_urdf(self.model, self.workspace.frame, self.cameras, robot)

    def close(self) -> None:
        """Free the cameras' graphics context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    # For twins.

    def commanded(self) -> np.ndarray:
        """Return where the grasp point is as a commanded pose (x, y, z, r)."""
        return self.workspace.xyzr(self.workspace.position_of(*self.pose()))

    def place_arm(self, pose: np.ndarray) -> None:
        """Set the arm's joints to a pose (x, y, z, r), the fingers to their opening.

        Raises:
            ValueError: the pose is out of reach.
        """
        self._placed_at = self._ticks
        rotation = ImpedanceController.rotation(pose[3])
        posture = solve_posture(self.model, pose[:3], rotation, self.posture_guess(pose))
        self.data.qpos[self._joints[:7]] = posture
        self.data.qpos[self._joints[7:]] = self._fingers
        self._controller.rest(posture)

    def posture_guess(self, pose: np.ndarray) -> np.ndarray:
        """Return the posture, (7,) radians, from which inverse kinematics begins for a pose."""
        return self.guess

    def advance(self, seconds: float) -> None:
        """Advance what a twin computes beside MuJoCo; called after each step of physics."""

    @property
    def unstable(self) -> bool:
        """Whether MuJoCo began anew because of numbers that are not finite, or huge."""
        return bool(self.data.warning.number[UNSTABLE].any())

    def close_fingers(self, width: float, grasps: bool) -> float:
        """Return how far apart the fingers come to stand where somebody else moves them.

        A twin takes what is between them, or lets go of it.

        Args:
            width: for which they are sent, metres.
            grasps: whether they close until something is between them, instead of at that width.
        """
        return width

    def read_positions(self) -> None:
        """Derive a twin's own state from the positions of another process's scene, in a copy."""

    def watch_faults(self) -> None:
        """Check for faults of a twin's own; called after each step of physics."""

    def _run(
        self, trajectory: Trajectory, ticks: range, whole: int, watch: Callable[[], None] | None
    ) -> None:
        """Run physics under control along a trajectory; a fault stops the arm where it is."""
        data, controller = self.data, self._controller
        for tick in ticks:
            pose = self._stopped_at if self.fault else trajectory.at(tick / whole)
            data.ctrl[:7] = controller.torques(data, pose)
            data.ctrl[7:] = self._fingers
            mujoco.mj_step(self.model, data)
            self.advance(self._timestep)
            self._ticks += 1
            if not self.fault:
                self.watch_faults()
            if (self._ticks - self._placed_at) % PACE == 0:
                if not self.fault:
                    self._watch_arm()
                if watch is not None:
                    watch()

    def _watch_arm(self) -> None:
        if self.unstable:
            self._fail("the simulation became unstable")
        angles = self.data.qpos[self._joints[:7]]
        room = np.minimum(angles - self._joint_low, self._joint_high - angles)
        if room.min() < self._arm_faults.joint_margin:
            joint = int(room.argmin())
            self._fail(f"{ARM_JOINTS[joint]} is at its limit ({angles[joint]:.3f} rad)")

    def _fail(self, reason: str) -> None:
        if not self.fault:
            self.fault, self._stopped_at = reason, self.commanded()
