"""The cable routing cell in simulation: cable, slots, true states, and the tie in the gripper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np

from mentor_common.arm.backend import GripperCommand, GripperFailed, GripperState
from mentor_common.tasks.cable_routing import Slot1, Slot2, cable_reward_of
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.arm.panda_simulator import (
    SIZE,
    FingersStopped,
    PandaSimulator,
    Size,
    check_fits,
)
from mentor_sim_bridge.twins.cable.arch import arched_cable
from mentor_sim_bridge.twins.cable.config import CableConfig, SlotConfig, load_cable_config
from mentor_sim_bridge.twins.cable.disturbances import (
    MOST_PULL,
    PULL,
    SLICE,
    STIFFER,
    Disturbance,
)
from mentor_sim_bridge.twins.cable.sampled_scene import sample_scene
from mentor_sim_bridge.twins.cable.scene import CAMERAS, TIE, WALLS, cable_scene
from mentor_sim_bridge.twins.cable.slot_states import cable_in_slot, slot_1_state, slot_2_state
from mentor_sim_bridge.twins.disturbance import take_disturbance
from mentor_sim_bridge.twins.simulator import TrueState
from mentor_sim_bridge.twins.visuals import VisualsOfModel

GRIP = 0.004
"""Opening of each finger that holds the cable, metres."""
REACH = 0.02
"""Distance of the cable's end from the grasp point within which the gripper can take it, metres."""


class CableSimulator(PandaSimulator):
    """A Panda that holds a cable over two slots.

    Args:
        config: geometry, contact and ranges of the cell.
        task: cable routing, or another task with its axes, cameras and reward.
        image_size: see PandaSimulator.

    Raises:
        ValueError: the task has other axes or cameras.
    """

    def __init__(self, config: CableConfig, task: Task, image_size: Size = SIZE) -> None:
        self.config = config
        check_fits(task, ("x", "z"), CAMERAS)
        self._random = np.random.default_rng()
        self.scene = sample_scene(config, np.random.default_rng(0))
        model = cable_scene(config, self.scene).compile()
        super().__init__(model, task, CAMERAS, config.faults, image_size, GRIP)
        self._reward = cable_reward_of(task)
        self._visuals = VisualsOfModel(model, config.visual_randomization)
        self._tie = model.equality(TIE).id
        self._cable_geoms = np.flatnonzero(model.geom_contype == 1)
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
        return slot_1_state(points, self.scene.slot_1), slot_2_state(points, self.scene.slot_2)

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

    def segmentation_masks(self, camera: str) -> np.ndarray:
        """Return which pixels of the image show the cable, and which the slots: (2, H, W) bool."""
        walls = np.array([self.model.geom(name).id for name in WALLS])
        return self.camera_renderer().segmentation_masks(
            self.model, self.data, camera, (self._cable_geoms, walls)
        )

    def begin_episode(
        self, seed: int | None, start: np.ndarray, options: Mapping[str, object] | None = None
    ) -> None:
        """Sample an episode, lay the cable anew and stand still at a start.

        Args:
            seed: seed of scene and visuals; None: the random state continues from the last episode.
            start: (2,) normalised.
            options: `disturbance`, a value of Disturbance. Disturbances that happen during an
                episode are applied by the environment.

        Raises:
            ValueError: an option or a disturbance is unknown.
        """
        disturbance, _ = take_disturbance(Disturbance, options, "cable routing")
        if seed is not None:
            self._random = np.random.default_rng(seed)
        scene = sample_scene(self.config, self._random)
        if disturbance is Disturbance.STIFF_CABLE:
            scene = replace(scene, bend_modulus=STIFFER * scene.bend_modulus)
        self.scene = scene
        self.load(cable_scene(self.config, scene).compile())
        self._visuals = VisualsOfModel(self.model, self.config.visual_randomization)
        self._visuals.randomize(
            self._random,
            unseen=disturbance is Disturbance.UNSEEN_VISUALS,
            bumped=disturbance is Disturbance.CAMERA_BUMPED,
        )
        self._set_up(start)

    def pull_cable_out(self, slot: SlotConfig) -> None:
        """Pull the cable up out of a slot and push it aside; the arm holds still meanwhile."""
        pose = self.commanded()
        middles = self.data.geom_xpos[self._cable_geoms]
        away = np.linalg.norm(middles[:, :2] - slot.position, axis=1)
        bodies = self.model.geom_bodyid[self._cable_geoms[away < slot.length / 2 + REACH]]
        beside = slot.gap / 2 + slot.wall_thickness + self.config.cable.radius
        force = np.zeros(3)
        while force[2] < MOST_PULL:
            offset, height = cable_in_slot(self.cable_points(), slot)
            if np.nanmin(np.abs(offset)) > beside:
                break
            out = np.nanmin(height) > slot.wall_height + self.config.cable.radius
            # Quasi-static: a force that grows until the cable gives way throws nothing about.
            force += [PULL, 0.0, 0.0] if out else [0.0, 0.0, PULL]
            self.data.xfrc_applied[bodies, :3] = force
            self.hold(pose, SLICE)
        self.data.xfrc_applied[bodies] = 0.0
        self.hold(pose, 2 * SLICE)

    def repaint(self, random: np.random.Generator) -> None:
        """Sample other colours, light and camera poses for the next images; nothing moves."""
        self._visuals.randomize(random)

    def scatter_cameras(self, random: np.random.Generator) -> None:
        """Shift each camera along x so that its slot appears elsewhere within the slot's range.

        A slot that stands elsewhere looks the same as one whose camera does. The side camera, which
        shows both slots, moves with the camera of one of them.
        """
        config, ranges, scene = self.config, self.config.scene_randomization, self.scene
        moves = {}
        for name, slot, usual, spread in (
            ("slot_1", scene.slot_1, config.slot_1, ranges.slot_1),
            ("slot_2", scene.slot_2, config.slot_2, ranges.slot_2),
        ):
            appears = usual.position[0] + random.uniform(-spread.x, spread.x)
            moves[name] = slot.position[0] - appears
        moves["side"] = moves[("slot_1", "slot_2")[random.integers(2)]]
        for name, move in moves.items():
            self.model.cam_pos[self.model.camera(name).id, 0] += move

    def recover(self, timeout: float = 0.0) -> None:
        """End a fault: the gripper holds the cable again, in the middle of the starts."""
        self._set_up(self.middle_start)

    def fail_soon(self) -> str:
        """Have the next motion take the cable out of the gripper."""
        self._tear_at = 0.0
        return "the cable tears in the next motion"

    def use_fingers(self, command: GripperCommand) -> GripperState:
        """Release the cable, or grasp it again where its end is within reach.

        Raises:
            GripperFailed: there is no cable between the fingers, it is of another width, or the
                fingers were stopped.
        """
        held = self.data.eq_active[self._tie]
        self.data.eq_active[self._tie] = 0
        if command.command == "grasp":
            away = float(np.linalg.norm(self.cable_points()[-1] - self.pose()[0]))
            if away > REACH:
                raise GripperFailed(
                    f"the cable's end is {away:.3f} m away, at most {REACH:g} m is in reach"
                )
            self.data.eq_active[self._tie] = 1
        try:
            return super().use_fingers(command)
        except FingersStopped:
            self.data.eq_active[self._tie] = held and command.command == "grasp"
            raise

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
        segments = self.config.cable.segments
        self.data.qpos[: 4 * segments] = arched_cable(
            segments, self.scene.cable_length, self.scene.post, pose[:3]
        ).ravel()
        mujoco.mj_forward(self.model, self.data)
        self.hold(pose, self.config.motion.settle)


def make(task: Task, config: Path | None, image_size: tuple[int, int]) -> CableSimulator:
    """Make the twin of the cable routing task (see mentor_sim_bridge.twins.simulator.Factory)."""
    return CableSimulator(load_cable_config(config), task, image_size)
