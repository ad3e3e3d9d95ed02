"""The tabletop golf cell in simulation: ball, club, collector and ground truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import mujoco
import numpy as np

from mentor_common.arm.backend import Watch
from mentor_common.arm.stroke import Stroke
from mentor_common.arm.trajectory import Trajectory
from mentor_common.tasks.golf_court import BallPlace
from mentor_common.tasks.tabletop_golf import AXES, LIGHT_SENSOR, MOTOR, golf_reward_of
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.arm.impedance import ImpedanceGains
from mentor_sim_bridge.twins.arm.panda_simulator import SIZE, PandaSimulator, Size, check_fits
from mentor_sim_bridge.twins.disturbance import take_disturbance
from mentor_sim_bridge.twins.golf.ball import Ball, stimp_deceleration
from mentor_sim_bridge.twins.golf.collector import Collector
from mentor_sim_bridge.twins.golf.config import GolfConfig, load_golf_config
from mentor_sim_bridge.twins.golf.contact import Club
from mentor_sim_bridge.twins.golf.disturbances import Disturbance
from mentor_sim_bridge.twins.golf.ground import Ground, draw_ground
from mentor_sim_bridge.twins.golf.scene import BALL_JOINTS, CAMERAS, golf_scene
from mentor_sim_bridge.twins.simulator import TrueState
from mentor_sim_bridge.twins.visuals import VisualsOfModel

GRIP = 0.006
"""Opening of each finger that holds the club, metres."""
GONE = -0.3
"""Height of a ball in the collector, where no camera sees it, metres."""
THROWS = 50
"""Times that the ball is thrown for a start until it comes to rest where it is to lie."""
LONGEST_ROLL = 10.0


class GolfSimulator(PandaSimulator):
    """A Panda with a golf club over a court.

    Args:
        config: ball, club and collector, and what an episode varies.
        task: tabletop golf, or another task with its axes, cameras and reward.
        image_size: see PandaSimulator.
    """

    def __init__(self, config: GolfConfig, task: Task, image_size: Size = SIZE) -> None:
        self.config = config
        check_fits(task, AXES, CAMERAS)
        self.court = golf_reward_of(task).court
        model = golf_scene(config, self.court, task.workspace.fixed[2]).compile()
        self._random = np.random.default_rng()
        self._ball_place = BallPlace.ON_COURT
        self.ball = Ball(self.court, config.ball, Ground(), stimp_deceleration(10.0))
        self.collector = Collector(config.collector, np.random.default_rng(0))
        super().__init__(model, task, CAMERAS, config.faults, image_size, GRIP)
        self._limits, self._reach = task.arm.limits, task.reach
        self._visuals = VisualsOfModel(model, config.visual_randomization)
        self._failing = False

    def load(self, model: mujoco.MjModel) -> None:
        """Start again with a model (see PandaSimulator)."""
        super().load(model)
        joints = [model.joint(name) for name in BALL_JOINTS]
        # The joints of the ball are neighbours, and so are those of the arm.
        self._ball_qpos = slice(joints[0].qposadr[0], joints[0].qposadr[0] + 3)
        self._ball_dofs = slice(joints[0].dofadr[0], joints[0].dofadr[0] + 3)
        self._arm_dofs = slice(self._joint_dofs[0], self._joint_dofs[0] + 7)
        self._jacobian = np.zeros((6, model.nv))
        self._translation, self._turning = self._jacobian[:3], self._jacobian[3:]
        self._arm = self._jacobian[:, self._arm_dofs]

    def follow(
        self, trajectory: Trajectory, midway: Watch | None = None, watch: Watch | None = None
    ) -> None:
        """Carry out a motion; if its `strike` is above 0, with a swing within the arm's limits."""
        if self._failing:
            self._failing = False
            self._fail("the arm was stopped, for rehearsal")
        if trajectory.strike > 0.0:
            gains = ImpedanceGains()
            stroke = Stroke(
                trajectory.first,
                trajectory.last,
                trajectory.seconds,
                speed=trajectory.strike * self._limits.speed,
                lag=gains.damping / gains.stiffness,
            )
            trajectory = stroke.within(*self._reach, self._limits.speed, self._limits.acceleration)
        super().follow(trajectory, midway, watch)

    def advance(self, seconds: float) -> None:
        """Move the ball; called after each step of physics."""
        self.ball.advance(seconds, self.club())
        self.collector.advance(seconds, self.ball)
        self._show_ball()

    def club(self) -> Club:
        """Return where the club's head is and how it moves."""
        mujoco.mj_jacSite(self.model, self.data, self._translation, self._turning, self._site)
        velocity = self._arm @ self.data.qvel[self._arm_dofs]
        place, turn = self.data.site_xpos[self._site], self.data.site_xmat[self._site]
        head = self.config.club
        return Club(
            float(place[0]), float(place[1]), math.atan2(turn[3], turn[0]),
            float(velocity[0]), float(velocity[1]), float(velocity[5]),
            head.half_thickness, head.half_width,
        )  # fmt: skip

    def ground_truth(self) -> TrueState:
        """Return `ball_x` and `ball_y` (metres), `ball_speed` (m/s) and `ball_place`, a BallPlace;
        success: the ball is in the hole.

        Read from what a rehearsal shares between processes. A ball in the collector is where it
        left the court.
        """
        x, y, _ = (float(value) for value in self.data.qpos[self._ball_qpos])
        speed = float(np.hypot(*self.data.qvel[self._ball_dofs][:2]))
        place = float(self._ball_place)
        values = {"ball_x": x, "ball_y": y, "ball_speed": speed, "ball_place": place}
        return TrueState(self._ball_place is BallPlace.IN_HOLE, values)

    @property
    def hidden_state(self) -> float:  # type: ignore[override]
        """Where the ball is, or by where it left the court (see PandaSimulator)."""
        return float(self._ball_place)

    @hidden_state.setter
    def hidden_state(self, value: float) -> None:
        self._ball_place = BallPlace(round(value))

    switches = (MOTOR,)

    def sensor_signals(self) -> dict[str, bool]:
        """Return the reading of the collector's light sensor (see HasDevices)."""
        return {LIGHT_SENSOR: self.collector.sees_ball}

    def switch(self, name: str, on: bool) -> None:
        """Switch the collector's motor (see HasDevices)."""
        if name == MOTOR:
            self.collector.motor = on

    def set_device_fault(self, fault: str) -> None:
        """Have the collector fail, one of twins.devices.FAULTS, or mend it: empty."""
        self.collector.broken = fault

    def begin_episode(
        self, seed: int | None, start: np.ndarray, options: Mapping[str, object] | None = None
    ) -> None:
        """Sample an episode, have the ball come to rest and stand still at a start.

        Args:
            seed: seed of scene and visuals; None continues with the last random state.
            start: (axes,) normalised.
            options: `disturbance`, a value of Disturbance; those within an episode are left to
                the environment that steps.

        Raises:
            ValueError: an option is unknown.
        """
        disturbance, _ = take_disturbance(Disturbance, options, "tabletop golf")
        if seed is not None:
            self._random = np.random.default_rng(seed)
        self._lay_ball(self._random)
        self._visuals.randomize(
            self._random,
            unseen=disturbance is Disturbance.UNSEEN_VISUALS,
            bumped=disturbance is Disturbance.CAMERA_BUMPED,
        )
        self._set_up(start)

    def recover(self, timeout: float = 0.0) -> None:
        """End a fault: the arm stands in the middle of the starts; the ball stays where it is."""
        self._set_up(self.middle_start)

    def fail_soon(self) -> str:
        """Have the next motion end in a fault."""
        self._failing = True
        return "the arm stops in the next motion"

    def posture_guess(self, pose: np.ndarray) -> np.ndarray:
        """Return a posture from which inverse kinematics finds one for every place of the court."""
        towards = float(np.arctan2(pose[1], pose[0]))
        return np.array([towards, 0.3, 0.0, -2.1, 0.0, 0.85, towards - pose[3]])

    def _lay_ball(self, random: np.random.Generator) -> None:
        """Sample the felt, and let the collector throw the ball until it lies where it is to."""
        scene = self.config.scene_randomization
        deceleration = stimp_deceleration(random.uniform(*scene.stimp))
        ground = draw_ground(random.uniform(*scene.slope), random)
        self.ball = ball = Ball(self.court, self.config.ball, ground, deceleration)
        broken, self.collector = self.collector.broken, Collector(self.config.collector, random)
        (x0, x1), (y0, y1) = scene.start_x, scene.start_y
        for _ in range(THROWS):
            self.collector.throw(ball)
            passed = 0.0
            while ball.speed > 0.0 and ball.place is BallPlace.ON_COURT and passed < LONGEST_ROLL:
                ball.advance(self._timestep)
                passed += self._timestep
            if ball.place is BallPlace.ON_COURT and x0 <= ball.x <= x1 and y0 <= ball.y <= y1:
                break
        else:
            ball.lay(random.uniform(x0, x1), random.uniform(y0, y1))
        # What the collector samples later must not depend on how often it threw.
        self.collector = Collector(
            self.config.collector, np.random.default_rng(random.integers(2**63)), broken
        )

    def _show_ball(self) -> None:
        """Set the ball of the scene to where the ball is."""
        ball, data = self.ball, self.data
        if ball.place is BallPlace.COLLECTED:
            data.qpos[self._ball_qpos] = [*self.config.collector.outlet, GONE]
            data.qvel[self._ball_dofs] = 0.0
            return
        self._ball_place = ball.place
        sunk = ball.sink if ball.place is not BallPlace.ON_COURT else 0.0
        data.qpos[self._ball_qpos] = [ball.x, ball.y, -sunk]
        data.qvel[self._ball_dofs] = [ball.vx, ball.vy, 0.0]

    def _set_up(self, start: np.ndarray) -> None:
        """Make new data, so that nothing of an earlier episode remains; let the arm settle."""
        self.data = mujoco.MjData(self.model)
        self.fault, self._failing, self._fingers = "", False, GRIP
        pose = self.workspace.xyzr(start)
        self.place_arm(pose)
        self._show_ball()
        mujoco.mj_forward(self.model, self.data)
        self.hold(pose, self.config.motion.settle)


def make(task: Task, config: Path | None, image_size: tuple[int, int]) -> GolfSimulator:
    """Make the twin of the tabletop golf task (see mentor_sim_bridge.twins.simulator.Factory)."""
    return GolfSimulator(load_golf_config(config), task, image_size)
