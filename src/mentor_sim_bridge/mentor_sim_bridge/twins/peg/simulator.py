"""The peg insertion cell in simulation: pegs in hand, shelf or sockets, and their true state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np

from mentor_common.arm.backend import GripperCommand, GripperState
from mentor_common.tasks.peg_insertion import peg_reward_of
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.arm.impedance import ImpedanceGains
from mentor_sim_bridge.twins.arm.panda_simulator import (
    SIZE,
    FingersStopped,
    PandaSimulator,
    Size,
    check_fits,
)
from mentor_sim_bridge.twins.disturbance import take_disturbance
from mentor_sim_bridge.twins.peg.config import PegCellConfig, load_peg_config
from mentor_sim_bridge.twins.peg.disturbances import Disturbance
from mentor_sim_bridge.twins.peg.holds import Holds
from mentor_sim_bridge.twins.peg.sampled_scene import (
    SampledScene,
    nominal_scene,
    sample_scene,
    socket_pose,
)
from mentor_sim_bridge.twins.peg.scene import CAMERAS, peg_scene
from mentor_sim_bridge.twins.peg.shapes import PEGS
from mentor_sim_bridge.twins.simulator import TrueState
from mentor_sim_bridge.twins.visuals import VisualsOfModel

AXES = ("x", "y", "z", "r")
INSERTED = 0.8
"""Share of a socket's depth beyond which a peg counts as inserted."""
IN_SOCKET = 0.003
"""Distance from its socket's middle beyond which a peg is not in it, metres."""
PEG_STREAM = 0x9E6
"""Sets the sampling of a peg apart from what else an episode's seed determines."""
GUESS = np.array([-0.1, 0.4, 0.1, -2.1, 0.0, 0.95, 0.0])
"""Posture, radians, from which inverse kinematics begins."""
SETTLE = 0.05
"""Seconds for which the arm stands before an episode begins."""
SLIP_STEPS = 5
"""Steps of physics for which the peg is pulled too strongly before it slips: no mere impact."""
CLOSED = 0.004
"""Metres by which fingers that hold a block may be farther apart than it is wide."""


class PegSimulator(PandaSimulator):
    """A Panda that puts pegs of three shapes into their sockets, with a shelf for the pegs.

    Args:
        config: pegs, board and shelf, and what an episode varies.
        task: peg insertion, or another task with its axes and cameras.
        image_size: see PandaSimulator.

    Raises:
        ValueError: the task has other axes, cameras or pegs.
    """

    guess = GUESS
    longest_step = 0.002

    def __init__(self, config: PegCellConfig, task: Task, image_size: Size = SIZE) -> None:
        self.config = config
        check_fits(task, AXES, CAMERAS)
        pegs = peg_reward_of(task).names if task.reward.kind == "peg_insertion" else PEGS
        if tuple(pegs) != PEGS:
            raise ValueError(
                f"task {task.file}: reward.pegs names {', '.join(pegs)}, must name "
                f"{', '.join(PEGS)}, in this order: the ground truth gives a peg by its number"
            )
        self._random = np.random.default_rng()
        self.scene = nominal_scene(config)
        model = peg_scene(config).compile()
        self._visuals = VisualsOfModel(model, config.visual_randomization)
        motion = config.motion
        gains = ImpedanceGains(
            rotational_stiffness=motion.rotational_stiffness, turn_stiffness=motion.turn_stiffness
        )
        super().__init__(model, task, CAMERAS, config.faults, image_size, 0.01, gains)
        self._board = model.body("board").id
        self._rubs = np.flatnonzero(model.geom_contype > 0)
        self._slip_at, self._pulled = config.faults.slip_force, 0
        self._lay(self.scene, self.middle_start, "")

    # What is true.

    @property
    def peg_in_hand(self) -> str:
        """Name of the peg in the hand; empty: none."""
        return self.holds.in_hand

    def peg_pose(self, peg: str) -> np.ndarray:
        """Return x, y, z (metres) of a peg's lower end and its yaw (radians), (4,)."""
        body = self.data.body(peg)
        return np.array([*body.xpos, np.arctan2(body.xmat[3], body.xmat[0])])

    def depth(self, peg: str) -> float:
        """Return how deep a peg is in its own socket, metres; 0 outside."""
        pose, socket = self.peg_pose(peg), socket_pose(self.config, self.scene, peg)
        if np.linalg.norm(pose[:2] - socket[:2]) > IN_SOCKET:
            return 0.0
        return max(0.0, float(self.config.board.thickness - pose[2]))

    def goal(self, peg: str) -> np.ndarray:
        """Return the pose (x, y, z, r) of the arm at which a peg that sits in the hand as it should
        is in its socket, where the board lies in this episode."""
        x, y, yaw = socket_pose(self.config, self.scene, peg)
        return np.array([x, y, self.config.board.floor + self.config.grasp_height, yaw])

    def ground_truth(self) -> TrueState:
        """Return where the peg in the hand is relative to its socket, and success: it is inserted
        to INSERTED of the depth. ``peg`` is its index in PEGS, -1 without one."""
        peg = self.peg_in_hand
        force = float(np.linalg.norm(self.wrench()[:3]))
        if not peg:
            return TrueState(False, {"peg": -1, "force": force})
        pose, socket = self.peg_pose(peg), socket_pose(self.config, self.scene, peg)
        depth = self.depth(peg)
        success = depth >= INSERTED * self.config.socket_depth
        values = {
            "peg": PEGS.index(peg),
            "inserted": float(success),
            "depth": depth,
            "distance": float(np.linalg.norm(pose[:2] - socket[:2])),
            "angle": float(np.angle(np.exp(1j * (pose[3] - socket[2])))),
            "force": force,
        }
        goal = {
            f"goal_{axis}": float(value) for axis, value in zip(AXES, self.goal(peg), strict=True)
        }
        return TrueState(success, values | goal)

    def wrench(self) -> np.ndarray:
        """Return the force (N) with which the peg in the hand presses on what it touches, and its
        torque (N m) about the grasp point, (6,), in the frame of the base (see ForceSensing)."""
        wrench, one = np.zeros(6), np.zeros(6)
        if not self.peg_in_hand:
            return wrench
        body, grasp = self.model.body(self.peg_in_hand).id, self.data.site_xpos[self._site]
        for number in range(self.data.ncon):
            contact = self.data.contact[number]
            bodies = self.model.geom_bodyid[contact.geom]
            if body not in bodies:
                continue
            mujoco.mj_contactForce(self.model, self.data, number, one)
            # Along the contact's axes, from the first geom on the second.
            force = contact.frame.reshape(3, 3).T @ one[:3]
            force = -force if bodies[1] == body else force
            wrench[:3] += force
            wrench[3:] += np.cross(contact.pos - grasp, force)
        return wrench

    # What happens.

    def begin_episode(
        self, seed: int | None, start: np.ndarray, options: Mapping[str, object] | None = None
    ) -> None:
        """Sample an episode, lay the cell again and stand still at a start.

        Args:
            seed: seed of scene and visuals; None continues with the last random state.
            start: (4,) normalised.
            options: `peg`, the one that is put into the hand; without it the one that is there, or
                one sampled from the seed. `disturbance`, a value of Disturbance; those within an
                episode are left to whoever runs it.

        Raises:
            ValueError: an option, a peg or a disturbance is unknown.
        """
        disturbance, others = take_disturbance(Disturbance, options, "peg insertion", ("peg",))
        peg = str(others.get("peg", self.peg_in_hand))
        if peg and peg not in PEGS:
            raise ValueError(f"peg insertion: peg {peg!r} is unknown; known: {', '.join(PEGS)}")
        if seed is not None:
            self._random = np.random.default_rng(seed)
        random = self._random
        scene = sample_scene(self.config, random)
        self._visuals.randomize(
            random,
            unseen=disturbance is Disturbance.UNSEEN_VISUALS,
            bumped=disturbance is Disturbance.CAMERA_BUMPED,
        )
        drawn = np.random.default_rng([int(random.integers(2**63)), PEG_STREAM]).choice(PEGS)
        self._lay(scene, start, peg or str(drawn))

    def move_board(self, by: np.ndarray) -> None:
        """Move the board by x, y, metres, with the peg out of it."""
        self.scene = replace(self.scene, board=self.scene.board + np.append(by, 0.0))
        self._place_board()
        mujoco.mj_kinematics(self.model, self.data)  # so that the next image shows it
        mujoco.mj_camlight(self.model, self.data)

    def recover(self, timeout: float = 0.0) -> None:
        """End a fault where the arm is; pegs that nothing holds are put back into the shelf, even
        if there is no fault.

        After the simulation became unstable the arm stands in the middle of the starts, its hand
        empty.
        """
        if self.fault and self.unstable:
            self._lay(self.scene, self.middle_start, "")
        if self.fault:
            self.fault, self._slip_at = "", self.config.faults.slip_force
        for peg in PEGS:
            if not self.holds.holds(peg):
                self.holds.store(peg)
        mujoco.mj_forward(self.model, self.data)

    def fail_soon(self) -> str:
        """Have the next motion take the peg out of the gripper."""
        self._slip_at = -1.0
        return "the peg slips from the gripper in the next motion"

    def use_fingers(self, command: GripperCommand) -> GripperState:
        """Let the peg go, or take the one between the fingers; it stays where it is if they stop
        before they are closed.

        Raises:
            GripperFailed: no peg of that width is between the fingers, or they were stopped.
        """
        if command.command != "grasp":
            self.holds.release()
            return super().use_fingers(command)
        held = self.peg_in_hand
        peg = held or self.holds.between_fingers()
        self.holds.grasp(peg)
        try:
            return self.grasp(command, self.config.peg(peg).grip if peg else 0.0)
        except FingersStopped:
            if not held:
                self.holds.release()
            raise

    def close_fingers(self, width: float, grasps: bool) -> float:
        """Take the peg between the fingers, or release the one in the hand (see
        PandaSimulator)."""
        peg = self.peg_in_hand or self.holds.between_fingers()
        grip = self.config.peg(peg).grip if peg else 0.0
        if peg and (grasps or width <= grip):
            self.holds.grasp(peg)
            return grip
        self.holds.release()
        return 0.0 if grasps else width

    def read_positions(self) -> None:
        """Find out which peg the hand of the other scene holds: fingers that are as near to each
        other as its block lets them. Contacts are not known."""
        self.data.ncon = 0
        peg = self.holds.between_fingers()
        width = float(self.data.qpos[self._joints[7:]].sum())
        near = bool(peg) and width < self.config.peg(peg).grip + CLOSED
        self.holds.in_hand = peg if near else ""

    def advance(self, seconds: float) -> None:
        """Watch a peg that was let go."""
        self.holds.watch_fall()

    def watch_faults(self) -> None:
        """Check whether the peg slips from the gripper."""
        force = self.holds.force() if self.peg_in_hand else 0.0
        self._pulled = self._pulled + 1 if self.peg_in_hand and force > self._slip_at else 0
        if self._pulled >= SLIP_STEPS:
            self._fail(f"the {self.peg_in_hand} peg slipped from the gripper ({force:.0f} N)")
            self.holds.drop()

    def _lay(self, scene: SampledScene, start: np.ndarray, peg: str) -> None:
        """Make new data, so that no earlier episode remains; a peg in the hand, the others in
        the shelf."""
        self.scene = scene
        damping = 2.6 * np.sqrt(scene.stiffness)  # as the usual 90 N s/m belong to 1200 N/m
        self.gains = replace(self.gains, stiffness=scene.stiffness, damping=damping)
        self.model.geom_friction[self._rubs, 0] = scene.friction
        self.load(self.model)
        self.holds = Holds(self.config, self.model, self.data)
        self._slip_at, self._pulled = self.config.faults.slip_force, 0
        self._place_board()
        pose = self.workspace.xyzr(start)
        self._fingers = self.config.peg(peg).grip / 2 if peg else self.config.open_width / 2
        self.place_arm(pose)
        mujoco.mj_kinematics(self.model, self.data)
        for each in PEGS:
            self.holds.put_into_hand(each, scene.hand) if each == peg else self.holds.store(each)
        mujoco.mj_forward(self.model, self.data)
        self.hold(pose, SETTLE)

    def _place_board(self) -> None:
        x, y, yaw = self.scene.board
        self.model.body_pos[self._board] = [x, y, 0.0]
        self.model.body_quat[self._board] = [np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)]


def make(task: Task, config: Path | None, image_size: tuple[int, int]) -> PegSimulator:
    """Make the twin of the peg insertion task (see mentor_sim_bridge.twins.simulator.Factory)."""
    return PegSimulator(load_peg_config(config), task, image_size)
