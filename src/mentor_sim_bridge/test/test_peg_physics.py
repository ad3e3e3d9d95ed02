"""Contact of pegs and sockets: what fits goes in, what does not stays out, nothing explodes."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from mentor_common.arm.backend import GripperCommand, GripperFailed
from mentor_common.arm.trajectory import Trajectory
from mentor_sim_bridge.twins.peg.env import PegInsertionEnv
from mentor_sim_bridge.twins.peg.sampled_scene import nominal_scene, socket_pose
from mentor_sim_bridge.twins.peg.shapes import PEGS, area, fan, grown, outline, ring

LONG = pytest.mark.soak
DEPTH = 0.024
PENETRATION = 0.0003


class Watched(PegInsertionEnv):
    """Remembers of all physics steps the deepest penetration (m), the fastest joint (m/s or rad/s),
    the greatest kinetic energy (J), and the range of the mechanical energy (J)."""

    def __init__(self) -> None:
        super().__init__(images="blank")
        self.forget()
        self.simulator.model.opt.enableflags |= mujoco.mjtEnableBit.mjENBL_ENERGY
        self._advance = self.simulator.advance
        self.simulator.advance = self._look

    def forget(self) -> None:
        self.penetration = self.speed = self.kinetic = 0.0
        self._energies = [np.inf, -np.inf]

    @property
    def energy_range(self) -> float:
        return self._energies[1] - self._energies[0]

    def _look(self, seconds: float) -> None:
        self._advance(seconds)
        data = self.simulator.data
        if data.ncon:
            self.penetration = max(self.penetration, -float(data.contact.dist.min()))
        self.speed = max(self.speed, float(np.abs(data.qvel).max()))
        self.kinetic = max(self.kinetic, float(data.energy[1]))
        energy = float(data.energy.sum())  # potential and kinetic
        self._energies = [min(self._energies[0], energy), max(self._energies[1], energy)]


@pytest.fixture(scope="module")
def env():
    made = Watched()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def forget(env):
    env.forget()


def lowered(env, peg: str, into: str, off=(0.0, 0.0, 0.0)) -> float:
    """Depth (m) that a peg reaches that is pressed down over a socket, off its pose."""
    simulator, arm = env.simulator, env.arm
    simulator.begin_episode(0, np.array([0.7, 0.0, 0.5, 0.0]), {"peg": peg})
    simulator._lay(nominal_scene(simulator.config), np.array([0.7, 0.0, 0.5, 0.0]), peg)
    x, y, yaw = socket_pose(simulator.config, simulator.scene, into) + off
    arm.window_offset = np.array([0.8, 0.0, -0.2, 0.0])
    arm.stop()
    arm.move(arm.workspace.to_normalised([x, y, 0.092, yaw]), 0.6)
    for _ in range(10):
        arm.act([0.0, 0.0, -1.0, 0.0])
    return float(simulator.config.board.thickness - simulator.peg_pose(peg)[2])


@pytest.mark.parametrize("peg", PEGS)
def test_a_centred_peg_goes_in_to_the_floor(env, peg):
    assert lowered(env, peg, peg) == pytest.approx(DEPTH, abs=0.0005)
    assert env.penetration < PENETRATION


@pytest.mark.parametrize(
    ("directions", "peg"), [(1, "arrow"), *(pytest.param(16, peg, marks=LONG) for peg in PEGS)]
)
def test_the_chamfer_leads_a_peg_in_that_is_within_it(env, peg, directions):
    off = env.simulator.config.board.chamfer
    for way in np.linspace(0.3, 0.3 + 2 * np.pi, directions, endpoint=False):
        depth = lowered(env, peg, peg, (off * np.cos(way), off * np.sin(way), 0.0))
        assert depth == pytest.approx(DEPTH, abs=0.0005)
    assert env.penetration < PENETRATION


@pytest.mark.parametrize(
    ("directions", "peg"), [(1, "star"), *(pytest.param(16, peg, marks=LONG) for peg in PEGS)]
)
def test_a_peg_that_is_3_mm_or_10_degrees_off_stays_out_and_pushes_back(env, peg, directions):
    ways = np.linspace(0.3, 0.3 + 2 * np.pi, directions, endpoint=False)
    offs = [(0.003 * np.cos(way), 0.003 * np.sin(way), 0.0) for way in ways]
    chamfer = env.simulator.config.board.chamfer
    for off in [*offs, (0.0, 0.0, np.radians(10.0)), (0.0, 0.0, -np.radians(10.0))]:
        assert lowered(env, peg, peg, off) < chamfer + 0.0001, "into the socket below its chamfer"
        assert env.simulator.wrench()[2] < -5.0, "as much as it presses on the board"
    assert env.penetration < PENETRATION


@pytest.mark.parametrize(
    ("peg", "into"), [("star", "triangle"), ("triangle", "arrow"), ("arrow", "star")]
)
@pytest.mark.parametrize("turns", [1, pytest.param(16, marks=LONG)])
def test_a_peg_pushed_at_a_wrong_socket_never_counts(env, peg, into, turns):
    for turn in np.linspace(0.0, 2 * np.pi, turns, endpoint=False):
        turn = (turn + np.pi) % (2 * np.pi) - np.pi
        assert lowered(env, peg, into, (0.0, 0.0, 0.3 * turn)) < 0.001
        truth = env.simulator.ground_truth()
        assert not truth.success and truth.values["depth"] == 0.0


@pytest.mark.parametrize(
    ("episodes", "peg"),
    # The star has the most corners; 70 episodes of 3 pegs are 10,500 steps.
    [(1, "star"), *(pytest.param(70, peg, marks=LONG) for peg in PEGS)],
)
def test_wild_actions_with_the_peg_in_its_socket_pass_no_wall_and_stay_bounded(env, peg, episodes):
    random = np.random.default_rng(0)
    for seed in range(episodes):
        env.reset(seed=seed, options={"peg": peg})
        for step in range(50):
            wild = random.choice([-1.0, 0.0, 1.0], 4)
            wild[2] = -1.0
            info = env.step(env.expert_action() if step < 17 else wild)[4]
            assert info["valid"], info["reason"]
            if info["depth"] > 0.002:  # in the socket it stays between the walls
                assert info["distance"] < 0.002
    assert env.penetration < PENETRATION
    assert env.speed < 10.0 and env.kinetic < 0.1
    assert env.energy_range < 8.0  # lifting the arm by the workspace's height takes 5.3 J


@pytest.mark.parametrize("peg", PEGS)
def test_a_push_of_30_newtons_moves_no_peg_through_a_wall(env, peg):
    push = 30.0
    lowered(env, peg, peg)
    simulator = env.simulator
    body = simulator.model.body(peg).id
    env.forget()
    for way in np.linspace(0.0, 2 * np.pi, 6, endpoint=False):
        simulator.data.xfrc_applied[body, :2] = push * np.array([np.cos(way), np.sin(way)])
        simulator.hold(simulator.commanded(), 0.2)
        off = simulator.ground_truth().values["distance"]
        assert simulator.wrench()[:2] @ simulator.data.xfrc_applied[body, :2] > 0.0, "no wall bears"
        assert off < 0.002
    simulator.data.xfrc_applied[body] = 0.0
    assert 0.0 < env.penetration < PENETRATION
    assert env.energy_range < 0.1


@pytest.mark.parametrize("peg", PEGS)
def test_a_push_in_any_direction_with_a_turn_presses_no_peg_into_a_wall(env, peg):
    """30 N in random directions, every other one together with 3 N m about a random axis."""
    lowered(env, peg, peg)
    simulator = env.simulator
    body = simulator.model.body(peg).id
    random = np.random.default_rng(1)
    for turn in 30 * [0.0, 3.0]:
        force, torque = (way / np.linalg.norm(way) for way in random.normal(size=(2, 3)))
        simulator.data.xfrc_applied[body] = [*(30.0 * force), *(turn * torque)]
        simulator.hold(simulator.commanded(), 0.1)
    assert 0.0 < env.penetration < PENETRATION


@pytest.mark.parametrize("height", [0.005, 0.02, 0.04])
@pytest.mark.parametrize("peg", PEGS)
def test_a_peg_that_is_let_go_over_its_socket_falls_in_and_stops_at_the_floor(env, peg, height):
    lowered(env, peg, peg)
    simulator = env.simulator
    low = simulator.commanded()
    high = low + np.array([0.0, 0.0, height, 0.0])
    simulator.follow(Trajectory(low, high, 0.5))
    simulator.hold(high, 0.3)
    env.forget()
    simulator.holds.release()
    simulator.hold(high, 0.5)
    assert simulator.depth(peg) == pytest.approx(DEPTH, abs=0.0005)
    assert env.penetration < PENETRATION


@pytest.mark.parametrize("turn", [-0.6, 0.7])
def test_the_wrench_is_what_the_arm_exerts_in_the_frame_of_the_workspace(env, turn):
    """As libfranka signs it: here the pull of the impedance on a peg that the board blocks."""
    simulator, arm = env.simulator, env.arm
    env.reset(seed=0, options={"peg": "star"})
    arm.window_offset = np.array([0.8, 0.0, -0.2, 0.0])
    arm.move([0.9, 0.32, 0.0, turn], 0.8)  # over the board, between two sockets
    for _ in range(6):
        arm.act([0.3, -0.2, -1.0, 0.0])
    arm.hold(1.0)
    pull = simulator.gains.stiffness * (arm.target_pose[:3] - simulator.pose()[0])
    assert pull[0] > 1.0 and pull[1] < -1.0 and pull[2] < -10.0
    assert simulator.wrench()[:3] == pytest.approx(pull, abs=0.3)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [({"cancelled": lambda: True}, "grasp was cancelled"), ({"timeout": 0.1}, "longer than 0.1 s")],
)
def test_a_grasp_that_is_stopped_has_taken_nothing_and_let_nothing_go(env, stop, reason):
    lowered(env, "star", "star")
    simulator = env.simulator
    grasp = GripperCommand("grasp", 0.010)
    for held in ("star", ""):
        before = simulator.time
        with pytest.raises(GripperFailed, match=reason) as failure:
            simulator.gripper(replace(grasp, **stop))
        assert np.isnan(failure.value.width), "nothing is known of what the fingers hold"
        assert simulator.peg_in_hand == held and simulator.time - before < 0.2e9
        simulator.gripper(GripperCommand("release"))
    assert simulator.gripper(grasp).grasped and simulator.peg_in_hand == "star"


def test_a_joint_reaches_its_limit_at_the_same_step_of_physics_whatever_was_before(env):
    simulator = env.simulator
    usual, ends = simulator._arm_faults, []
    for ticks in range(5):
        simulator.hold(simulator.commanded(), ticks * simulator.config.motion.timestep)
        env.reset(seed=3, options={"peg": "star"})
        angles = simulator.joint_state()[0][:7]
        room = np.minimum(angles - simulator._joint_low, simulator._joint_high - angles)
        simulator._arm_faults = replace(usual, joint_margin=float(room.min()) - 0.01)
        env.step(np.array([-1.0, 0.0, 0.0, 0.0]))  # towards the arm's base: joint 4 bends
        simulator._arm_faults = usual
        assert "is at its limit" in simulator.fault
        ends.append(simulator.data.qpos.copy())
    assert all(np.array_equal(ends[0], end) for end in ends)


def test_a_released_peg_falls_and_a_grasp_of_it_is_calm(env):
    simulator = env.simulator
    env.reset(seed=0, options={"peg": "star"})
    widths: list[float] = []
    simulator.gripper(GripperCommand("release", moving=widths.append))
    assert len(widths) == 5 and widths[-1] > widths[0] + 0.01, "their width while they open"
    simulator.hold(simulator.commanded(), 0.5)
    assert simulator.peg_in_hand == "" and env.speed < 30.0  # falls from 7 cm: 1.2 m/s, and tumbles
    assert np.isfinite(simulator.data.qpos).all()
    with pytest.raises(GripperFailed, match="closed on nothing"):
        simulator.gripper(GripperCommand("grasp", 0.010))
    assert not simulator.ground_truth().success


def test_a_peg_that_slips_is_a_fault_and_recovery_puts_it_into_the_shelf(env):
    simulator = env.simulator
    env.reset(seed=1, options={"peg": "arrow"})
    assert "slips" in simulator.fail_soon()
    info = env.step(np.zeros(4))[4]
    assert not info["valid"] and "the arrow peg slipped" in info["reason"]
    simulator.recover()
    assert simulator.fault == "" and simulator.peg_in_hand == ""
    assert all(simulator.holds.holds(peg) for peg in PEGS)


@pytest.mark.parametrize("peg", PEGS)
def test_the_pieces_of_peg_and_wall_make_up_their_outlines(peg):
    corners = outline(peg, 0.2)
    assert sum(area(piece) for piece in fan(corners)) == pytest.approx(area(corners))
    hole = grown(corners, 0.0005)
    walls = ring(hole, 0.025, chamfer=0.002)
    assert sum(area(piece.corners) for piece in walls) == pytest.approx(0.05**2 - area(hole))
    widened = 0.05**2 - area(grown(hole, 0.002))
    assert sum(area(piece.widened) for piece in walls) == pytest.approx(widened)
    edges = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).sum()
    assert area(hole) - area(corners) == pytest.approx(0.0005 * edges, rel=0.05)


@pytest.mark.parametrize("kind", ["BADQPOS", "BADQVEL", "BADQACC"])
def test_an_unstable_simulation_recovers_to_a_cell_whose_hand_is_empty(env, kind):
    simulator = env.simulator
    env.reset(seed=0, options={"peg": "star"})
    if kind == "BADQPOS":
        simulator.data.qpos[0] = np.nan
    elif kind == "BADQVEL":
        simulator.data.qvel[0] = 1e12
    else:
        simulator.data.qfrc_applied[0] = 1e14
    simulator.hold(simulator.commanded(), 0.05)
    warnings = simulator.data.warning
    assert warnings[getattr(mujoco.mjtWarning, f"mjWARN_{kind}")].number
    assert "unstable" in simulator.fault
    simulator.recover()
    simulator.hold(simulator.commanded(), 0.1)
    assert simulator.fault == "" and simulator.peg_in_hand == ""
    assert np.isfinite(simulator.data.qpos).all()
    assert all(simulator.holds.holds(peg) for peg in PEGS)


def test_a_peg_that_was_let_go_is_put_back_by_a_recovery_without_a_fault(env):
    simulator = env.simulator
    env.reset(seed=0, options={"peg": "star"})
    simulator.gripper(GripperCommand("release"))
    assert not simulator.fault and not simulator.holds.holds("star")
    before = simulator.joint_state()[0]
    simulator.recover()
    assert all(simulator.holds.holds(peg) for peg in PEGS) and simulator.peg_in_hand == ""
    assert np.array_equal(simulator.joint_state()[0], before), "the arm stays where it is"


def test_what_mujoco_warns_of_is_logged_and_does_not_mix_with_what_a_command_prints(
    env, caplog, capfd
):
    env.reset(seed=0)
    env.simulator.data.qvel[:] = 1e12
    env.simulator.hold(env.simulator.commanded(), 0.05)
    assert "The simulation is unstable" in caplog.text  # whoever logs it; dm_control would, too
    assert "unstable" in env.simulator.fault
    assert capfd.readouterr().out == ""
    env.simulator.recover()
