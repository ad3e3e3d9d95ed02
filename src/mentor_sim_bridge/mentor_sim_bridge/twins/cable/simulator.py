"""The cable routing cell in simulation: cable, slots, true states, and the tie in the gripper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import mujoco
import numpy as np

from mentor_common.arm.backend import GripperCommand, GripperFailed, GripperState
from mentor_common.tasks.cable_routing import Slot1, Slot2, cable_reward_of
from mentor_common.tasks.task import Task, find_task
from mentor_sim_bridge.twins.arm.panda_simulator import ArmFaults, PandaSimulator
from mentor_sim_bridge.twins.cable.arch import arched_cable
from mentor_sim_bridge.twins.cable.config import DEFAULT_FILE, CableConfig, load_cable_config
from mentor_sim_bridge.twins.cable.scene import CAMERAS, TIE, cable_scene
from mentor_sim_bridge.twins.cable.slot_states import slot_1_state, slot_2_state
from mentor_sim_bridge.twins.cable.visuals import CableLooks, draw_episode
from mentor_sim_bridge.twins.simulator import TrueState

GRIP = 0.004
"""Opening of each finger that holds the cable, metres."""
REACH = 0.02
"""Distance of the cable's end from the grasp point within which the gripper can take it, metres."""


class CableSimulator(PandaSimulator):
    """A Panda that holds a cable over two slots.

    Args:
        config: of the cell; default is the YAML beside this file.
        task: whose workspace and starts it has; default is cable_routing.
        image_size: height and width of the camera images, pixels.

    Raises:
        ValueError: the task has other axes or cameras.
    """

    def __init__(
        self,
        config: CableConfig | None = None,
        task: Task | None = None,
        image_size: tuple[int, int] = (168, 168),
    ) -> None:
        self.config = config = config or load_cable_config()
        task = task or find_task("cable_routing")
        if task.workspace.names != ("x", "z"):
            raise ValueError(f"task {task.file}: axes {task.workspace.names}, must be ('x', 'z')")
        if task.observed_cameras != CAMERAS:
            raise ValueError(
                f"task {task.file}: cameras {task.observed_cameras}, must be {CAMERAS}"
            )
        model = cable_scene(config).compile()
        faults = ArmFaults(config.faults.reach_error, config.faults.joint_margin)
        super().__init__(model, task.workspace, faults, image_size, CAMERAS, GRIP)
        self._starts = np.mean([task.reset.start[name] for name in task.workspace.names], axis=1)
        self._reward = cable_reward_of(task)
        self._looks = CableLooks(model)
        self._tie = model.equality(TIE).id
        self._cable_geoms = np.flatnonzero(model.geom_contype == 1)
        self._random = np.random.default_rng()
        self._tear_at = config.faults.tear_force

    def cable_points(self) -> np.ndarray:
        """Return the middle line of the cable from post to gripper, (segments + 1, 3) metres."""
        centres = self.data.geom_xpos[self._cable_geoms]
        axes = self.data.geom_xmat[self._cable_geoms].reshape(-1, 3, 3)[:, :, 2]
        half = self.model.geom_size[self._cable_geoms, 1][:, None] * axes
        direction = np.sign(half[0] @ (centres[1] - centres[0]))
        return np.concatenate([centres - direction * half, centres[-1:] + direction * half[-1:]])

    def slot_states(self) -> tuple[Slot1, Slot2]:
        """Return the true states of both slots."""
        points = self.cable_points()
        return slot_1_state(points, self.config.slot_1), slot_2_state(points, self.config.slot_2)

    def ground_truth(self) -> TrueState:
        """Return the slots' states, and success: the cable lies fully inside both."""
        slot_1, slot_2 = self.slot_states()
        return TrueState(
            self._reward.is_success(slot_1, slot_2), {"slot_1": slot_1, "slot_2": slot_2}
        )

    def tension(self) -> float:
        """Return the force between gripper and cable, newtons."""
        if not self.data.eq_active[self._tie]:
            return 0.0
        force = self.data.efc_force[:3]  # the only equality: rows 0 to 2
        return math.sqrt(force @ force)

    def segmentation_mask(self, camera: str) -> np.ndarray:
        """Return which pixels of the image show the cable, (H, W) bool."""
        return self.camera_renderer().segmentation_mask(self.data, camera, self._cable_geoms)

    def begin_episode(
        self, seed: int | None, start: np.ndarray, options: Mapping[str, object] | None = None
    ) -> None:
        """Draw an episode, lay the cable anew and stand still at a start.

        Args:
            seed: of visual randomization and physics; None goes on with the last random state.
            start: (2,) normalised.
            options: none are known.

        Raises:
            ValueError: an option is unknown.
        """
        if options:
            raise ValueError(f"cable routing: options {sorted(options)} are unknown")
        if seed is not None:
            self._random = np.random.default_rng(seed)
        self._looks.apply(draw_episode(self.config.randomisation, self._random))
        self._set_up(start)

    def repaint(self, random: np.random.Generator) -> None:
        """Draw other colours and light for the pictures to come; the physics stays as it is."""
        self._looks.paint(draw_episode(self.config.randomisation, random))

    def recover(self, timeout: float = 0.0) -> None:
        """End a fault: the gripper holds the cable again, in the middle of the starts."""
        self._set_up(self._starts)

    def fail_soon(self) -> str:
        """Have the next motion take the cable out of the gripper."""
        self._tear_at = 0.0
        return "the cable tears in the next motion"

    def gripper(self, command: GripperCommand) -> GripperState:
        """Release the cable, or grasp it again where its end is within reach.

        Raises:
            GripperFailed: there is no cable between the fingers.
        """
        self.data.eq_active[self._tie] = 0
        if command.command != "grasp":
            return super().gripper(command)
        away = float(np.linalg.norm(self.cable_points()[-1] - self.pose()[0]))
        if away > REACH:
            raise GripperFailed(
                f"the cable's end is {away:.3f} m away, at most {REACH:g} m is in reach"
            )
        self.data.eq_active[self._tie] = 1
        return super().gripper(GripperCommand("grasp", command.width or 2 * GRIP))

    def watch_faults(self) -> None:
        """Check whether the cable tears."""
        pull = self.tension()
        if pull > self._tear_at:
            self._fail(f"cable torn from the gripper ({pull:.1f} N)")
            self.data.eq_active[self._tie] = 0

    def _set_up(self, start: np.ndarray) -> None:
        """New data, so that nothing of an earlier episode remains; then the cable comes to rest."""
        self.data = mujoco.MjData(self.model)
        self.fault, self._tear_at, self._fingers = "", self.config.faults.tear_force, GRIP
        pose = self.workspace.xyzr(start)
        self.place_arm(pose)
        self.data.qpos[: 4 * self.config.cable.segments] = arched_cable(
            self.config.cable, np.asarray(self.config.post), pose[:3]
        ).ravel()
        mujoco.mj_forward(self.model, self.data)
        self.hold(pose, self.config.motion.settle)


def make(task: Task, config: Path | None, image_size: tuple[int, int]) -> CableSimulator:
    """Make the twin of the cable routing task (see mentor_sim_bridge.twins.simulator.Factory)."""
    return CableSimulator(load_cable_config(config or DEFAULT_FILE), task, image_size)
