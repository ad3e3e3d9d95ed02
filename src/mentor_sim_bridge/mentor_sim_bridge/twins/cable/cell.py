"""The cable routing cell: physics, control, true states, cameras; for environment and node."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from mentor_common.tasks.cable_routing import Slot1, Slot2
from mentor_sim_bridge.twins.arm.camera_renderer import CameraRenderer
from mentor_sim_bridge.twins.arm.impedance import ImpedanceController, ImpedanceGains, solve_posture
from mentor_sim_bridge.twins.arm.panda import ARM_JOINTS, FINGER_JOINTS, GRASP_SITE
from mentor_sim_bridge.twins.cable.arch import arched_cable
from mentor_sim_bridge.twins.cable.config import CableConfig, load_cable_config
from mentor_sim_bridge.twins.cable.scene import CAMERAS, HAND_ROTATION, TIE, cable_scene
from mentor_sim_bridge.twins.cable.slot_states import slot_1_state, slot_2_state
from mentor_sim_bridge.twins.cable.visuals import CableLooks, draw_episode

ACTION_DIVISOR = 5.0
"""(x, z) -> (x + dx / 5, z + dz / 5), normalised (App. C.2)."""
GUESS = np.array([-0.9, 0.5, 0.4, -2.0, -0.3, 0.9, -1.6])
"""Posture, radians, from which inverse kinematics begins."""
GRIP = 0.004
"""Opening of each finger that holds the cable, metres."""
PACE = 4
"""Physics steps between two calls of `on_pace`, and between two looks at the joints."""
RAMP = 0.8
"""Share of a motion after which the target stands still."""


@dataclass(frozen=True)
class MotionOutcome:
    """What a motion led to.

    Args:
        begin, end: nanoseconds of simulated time.
        clipped: the command left the workspace or the action's bounds and was cut back.
        failed: the arm did not do what it was told.
        reason: why it was clipped or failed.
        normalized: (2,) where the end effector is, on the task's axes.
    """

    begin: int
    end: int
    clipped: bool
    failed: bool
    reason: str
    normalized: np.ndarray


class CableCell:
    """A Panda that holds a cable over two slots.

    Args:
        config: of the cell; default is the YAML beside this file.
        image_size: height and width of the camera images, pixels.
    """

    cameras = CAMERAS
    joint_names = (*ARM_JOINTS, *FINGER_JOINTS)

    def __init__(
        self, config: CableConfig | None = None, image_size: tuple[int, int] = (168, 168)
    ) -> None:
        self.config = config or load_cable_config()
        self.model = cable_scene(self.config).compile()
        self._looks = CableLooks(self.model)
        self._image_size = image_size
        self._renderer: CameraRenderer | None = None
        self._controller = ImpedanceController(self.model, ImpedanceGains(), HAND_ROTATION)
        self._site = self.model.site(GRASP_SITE).id
        self._tie = self.model.equality(TIE).id
        self._cable_geoms = np.flatnonzero(self.model.geom_contype == 1)
        joints = [self.model.joint(name) for name in self.joint_names]
        self._joints = np.array([joint.qposadr[0] for joint in joints])
        self._joint_dofs = np.array([joint.dofadr[0] for joint in joints])
        self._arm, self._fingers = self._joints[:7], self._joints[7:]
        self._joint_low, self._joint_high = np.array([joint.range for joint in joints[:7]]).T
        work = self.config.workspace
        self._low = np.array([work.x[0], work.z[0]])
        self._high = np.array([work.x[1], work.z[1]])
        self._ticks = 0
        self._random = np.random.default_rng()
        self.data = mujoco.MjData(self.model)
        self.target = np.zeros(2)
        self.fault = ""
        self._stopped_at = np.zeros(3)
        self._tear_at = self.config.faults.tear_force
        self.on_pace: Callable[[], None] | None = None

    @property
    def time(self) -> int:
        """Nanoseconds of simulated time since the cell was made; never goes back."""
        return self._ticks * round(self.config.motion.timestep * 1e9)

    @property
    def pose(self) -> np.ndarray:
        """(3,) position of the grasp point, metres, world frame."""
        return self.data.site_xpos[self._site].copy()

    @property
    def normalized(self) -> np.ndarray:
        """(2,) x and z of the grasp point, -1 to 1 over the workspace."""
        place = self.data.site_xpos[self._site][[0, 2]]
        return 2 * (place - self._low) / (self._high - self._low) - 1

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) orientation of the grasp frame in the world."""
        return self.data.site_xmat[self._site].reshape(3, 3).copy()

    @property
    def target_pose(self) -> np.ndarray:
        """(3,) where the controller draws the grasp point, metres, world frame."""
        return self._place(self.target)

    def joint_state(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions, velocities, efforts, (9,) each: arm joints, then both fingers; SI units."""
        dofs = self._joint_dofs
        return self.data.qpos[self._joints], self.data.qvel[dofs], self.data.qfrc_actuator[dofs]

    def cable_points(self) -> np.ndarray:
        """(segments + 1, 3) middle line of the cable from post to gripper, metres."""
        centres = self.data.geom_xpos[self._cable_geoms]
        axes = self.data.geom_xmat[self._cable_geoms].reshape(-1, 3, 3)[:, :, 2]
        half = self.model.geom_size[self._cable_geoms, 1][:, None] * axes
        direction = np.sign(half[0] @ (centres[1] - centres[0]))
        return np.concatenate([centres - direction * half, centres[-1:] + direction * half[-1:]])

    def slot_states(self) -> tuple[Slot1, Slot2]:
        """The true states of both slots."""
        points = self.cable_points()
        return slot_1_state(points, self.config.slot_1), slot_2_state(points, self.config.slot_2)

    def tension(self) -> float:
        """Force between gripper and cable, newtons."""
        if not self.data.eq_active[self._tie]:
            return 0.0
        force = self.data.efc_force[:3]  # the only equality: rows 0 to 2
        return math.sqrt(force @ force)

    def render(self, camera: str) -> np.ndarray:
        """One image, (H, W, 3) uint8 RGB."""
        return self._camera_renderer().render(self.data, camera)

    def silhouette(self, camera: str) -> np.ndarray:
        """Which pixels of the image show the cable, (H, W) bool."""
        return self._camera_renderer().silhouette(self.data, camera, self._cable_geoms)

    def reset(self, seed: int | None, start: np.ndarray) -> None:
        """Draws an episode, lays the cable anew and stands still at a start.

        Args:
            seed: of looks, light and physics; None goes on with the last random state.
            start: (2,) normalised.
        """
        if seed is not None:
            self._random = np.random.default_rng(seed)
        self._looks.apply(draw_episode(self.config.randomisation, self._random))
        self._set_up(np.clip(np.asarray(start, np.float64), -1.0, 1.0))

    def repaint(self, random: np.random.Generator) -> None:
        """Draws other colours and light for the pictures to come; the physics stays as it is."""
        self._looks.paint(draw_episode(self.config.randomisation, random))

    def recover(self) -> None:
        """Ends a fault: the gripper holds the cable again, in the middle of the starts."""
        self._set_up(np.mean([self.config.start.x, self.config.start.z], axis=1))

    def tear_soon(self) -> None:
        """A rehearsal: the next motion takes the cable out of the gripper."""
        self._tear_at = 0.0

    def act(self, action: np.ndarray, midway: Callable[[], None] | None = None) -> MotionOutcome:
        """One step: moves the target by action / 5 and lets the period pass.

        Args:
            action: (2,) dx and dz, cut to [-1, 1].
            midway: called at the motion's middle, to take pictures.

        Raises:
            ValueError: not two finite numbers.
            RuntimeError: the cell has a fault.
        """
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (2,) or not np.isfinite(action).all():
            raise ValueError(f"action {action.tolist()}: two finite numbers, dx and dz, are needed")
        wanted = self.target + np.clip(action, -1.0, 1.0) / ACTION_DIVISOR
        clipped = bool(np.abs(action).max() > 1.0)
        return self.move(wanted, self.config.motion.period, clipped, midway)

    def move(
        self,
        target: np.ndarray,
        duration: float,
        clipped: bool = False,
        midway: Callable[[], None] | None = None,
    ) -> MotionOutcome:
        """Moves to a normalised pose (2,), cut back to the workspace, in `duration` seconds.

        Raises:
            RuntimeError: the cell has a fault.
        """
        if self.fault:
            raise RuntimeError(f"the cell has a fault: {self.fault}; recover it first")
        begin, first = self.time, self._place(self.target)
        self.target = np.clip(target, -1.0, 1.0)
        clipped = clipped or bool((self.target != target).any())
        last = self._place(self.target)
        ticks = max(2, round(duration / self.config.motion.timestep))
        self._run(first, last, range(ticks // 2), ticks)
        if midway is not None:
            midway()
        self._run(first, last, range(ticks // 2, ticks), ticks)
        off = float(np.linalg.norm(self.pose - last))
        if off > self.config.faults.reach_error:
            self._fail(f"pose not reached, {off:.3f} m off")
        reason = self.fault or ("the command was cut back to the limits" if clipped else "")
        return MotionOutcome(begin, self.time, clipped, bool(self.fault), reason, self.normalized)

    def hold(self, duration: float) -> None:
        """Lets time pass at the target."""
        place = self._place(self.target) if not self.fault else self.pose
        self._run(place, place, range(round(duration / self.config.motion.timestep)), 1)

    def stop(self) -> None:
        """Makes the place where the arm is its target."""
        self.target = np.clip(self.normalized, -1.0, 1.0)

    def close(self) -> None:
        """Frees the cameras' graphics context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _camera_renderer(self) -> CameraRenderer:
        if self._renderer is None:
            self._renderer = CameraRenderer(self.model, *self._image_size)
        return self._renderer

    def _set_up(self, target: np.ndarray) -> None:
        """New data, so that nothing of an earlier episode remains; then the cable comes to rest."""
        self.data = mujoco.MjData(self.model)
        self.target, self.fault, self._tear_at = target, "", self.config.faults.tear_force
        place = self._place(target)
        posture = solve_posture(self.model, place, HAND_ROTATION, GUESS)
        self.data.qpos[self._arm] = posture
        self.data.qpos[self._fingers] = GRIP
        self._controller.rest(posture)
        self.data.qpos[: 4 * self.config.cable.segments] = arched_cable(
            self.config.cable, np.asarray(self.config.post), place
        ).ravel()
        mujoco.mj_forward(self.model, self.data)
        self.hold(self.config.motion.settle)

    def _place(self, normalized: np.ndarray) -> np.ndarray:
        x, z = self._low + (normalized + 1) / 2 * (self._high - self._low)
        return np.array([x, self.config.workspace.y, z])

    def _run(self, first: np.ndarray, last: np.ndarray, ticks: range, whole: int) -> None:
        """Physics under control, the target on a smooth ramp from `first` to `last`, metres.

        A fault stops the arm where it is.
        """
        data = self.data
        for tick in ticks:
            share = min(1.0, tick / (RAMP * whole))
            place = first + share * share * (3.0 - 2.0 * share) * (last - first)
            if self.fault:
                place = self._stopped_at
            data.ctrl[:7] = self._controller.torques(data, place)
            data.ctrl[7:] = GRIP
            mujoco.mj_step(self.model, data)
            self._ticks += 1
            self._watch()
            if self.on_pace is not None and self._ticks % PACE == 0:
                self.on_pace()

    def _watch(self) -> None:
        """Looks for faults."""
        if self.fault:
            return
        limits, data = self.config.faults, self.data
        pull = self.tension()
        if pull > self._tear_at:
            self._fail(f"cable torn from the gripper ({pull:.1f} N)")
            self.data.eq_active[self._tie] = 0
        if self._ticks % PACE != 0:
            return  # the rest changes slowly
        angles = data.qpos[self._arm]
        room = np.minimum(angles - self._joint_low, self._joint_high - angles)
        if room.min() < limits.joint_margin:
            joint = int(room.argmin())
            self._fail(f"{ARM_JOINTS[joint]} is at its limit ({angles[joint]:.3f} rad)")
        if data.warning[mujoco.mjtWarning.mjWARN_BADQACC].number:
            self._fail("the simulation became unstable")

    def _fail(self, reason: str) -> None:
        if not self.fault:
            self.fault, self._stopped_at = reason, self.pose
