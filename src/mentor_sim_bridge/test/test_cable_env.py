"""A cable cell of which every episode differs: solvable, not trivial, repeatable, bounded."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

from mentor_common.arm.arm import Arm
from mentor_common.env.registration import register_environments
from mentor_common.tasks.cable_routing import Slot1, Slot2, cable_reward_of
from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.cable.disturbances import Disturbance
from mentor_sim_bridge.twins.cable.env import CableRoutingEnv
from mentor_sim_bridge.twins.cable.expert import CableExpert, over_slot_1

LONG = pytest.mark.soak


@pytest.fixture
def env():
    made = CableRoutingEnv(images="blank")  # what the cable does needs no images
    yield made
    made.close()


def play(env, seed: int, policy) -> tuple[bool, list[dict]]:
    """Success and the infos of an episode; the policy is told env and step."""
    env.reset(seed=seed)
    infos = []
    for step in itertools.count():
        *_, truncated, info = env.step(policy(env, step))
        infos.append(info)
        if truncated:
            return info["success"], infos


def expert():
    made = []

    def policy(env, step):
        if step == 0:
            made[:] = [CableExpert(env.arm, env.simulator)]
        return made[0].act()

    return policy


def random_actions(seed: int):
    random = np.random.default_rng(seed)
    return lambda env, step: random.uniform(-1.0, 1.0, 2)


def towards(env, x: float, z: float) -> np.ndarray:
    """The action that goes to x and height, metres."""
    goal = env.arm.workspace.to_normalised([x, z])
    return np.clip((goal - env.arm.target) / 0.2, -1.0, 1.0)


def straight_down(env, step: int) -> np.ndarray:
    return np.array([0.0, -1.0])


def careless_lift(env, step: int) -> np.ndarray:
    """Fills slot 1, then lifts as high as it can on its way to slot 2."""
    scene = env.simulator.scene
    if step < 8:
        return towards(env, over_slot_1(scene) + 0.005, 0.137)
    if step < 16:
        return towards(env, over_slot_1(scene) + 0.005, 0.057)
    if step < 22:
        return towards(env, over_slot_1(scene) + 0.005, 0.150)
    return towards(env, scene.behind_slot_2, 0.14 if step < 25 else 0.05)


@pytest.mark.parametrize("count", [2, pytest.param(100, marks=LONG)])
def test_an_expert_that_sees_the_true_state_succeeds(env, count):
    wins = sum(play(env, 5000 + seed, expert())[0] for seed in range(count))
    assert wins >= 0.95 * count


@pytest.mark.parametrize("count", [2, pytest.param(300, marks=LONG)])
def test_random_actions_do_not_succeed(env, count):
    wins = sum(play(env, seed, random_actions(seed))[0] for seed in range(count))
    assert wins < max(1.0, 0.01 * count)


@pytest.mark.parametrize("policy", [straight_down, careless_lift])
@pytest.mark.parametrize("count", [4, pytest.param(100, marks=LONG)])
def test_the_easy_ways_fail(env, policy, count):
    assert sum(play(env, seed, policy)[0] for seed in range(count)) <= 0.1 * count


def test_lifting_carelessly_loses_the_far_slot_again(env):
    _, infos = play(env, 3, careless_lift)
    held = [info["slot_1"] == Slot1.INSIDE for info in infos]
    assert any(held[:16]) and not any(held[22:])


def test_nothing_pays_more_than_holding_both_slots(env):
    _, infos = play(env, 1, expert())
    final = infos[-1]
    reward = cable_reward_of(find_task("cable_routing"))
    assert sum(final["reward_terms"].values()) == max(
        sum(reward.terms(one, two).values()) for one in Slot1 for two in Slot2
    )


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=LONG)])
def test_the_target_moves_by_a_fifth_of_the_action_and_never_leaves_the_workspace(count):
    task = find_task("cable_routing")
    offset = np.array([0.3, -0.1])
    # The commands only: physics of 100,000 steps takes an hour.
    backend = SimpleNamespace(
        fault="",
        time=0,
        pose=lambda: task.workspace.pose([0.0, 0.0]),
        follow=lambda *_: None,
        begin_episode=lambda *_: None,
    )
    arm = Arm(backend, task.workspace, task.deltas, task.episode.period)
    arm.begin_episode(0, [0.0, 0.0], offset)
    random = np.random.default_rng(0)
    wild = np.array([1e30, -1e30, 1e-30, 5.0, -5.0, 1.0, -1.0, 0.0, -0.0])
    edges = np.zeros((2, 2), int)  # of each axis: actions that end at its lower and upper bound
    for number in range(count):
        action = random.uniform(-1, 1, 2) if number % 2 else random.choice(wild, 2)
        before = arm.target
        arm.act(action)
        expected = np.clip(before + np.clip(action, -1, 1) / 5, offset - 1, offset + 1)
        assert np.array_equal(arm.target, expected)
        edges += np.stack([arm.target == offset - 1, arm.target == offset + 1], axis=1)
    assert (edges > count // 100).all(), "the actions hardly came to the bounds"
    for bad in ([np.nan, 0.0], [np.inf, 0.0], [0.0], [[0.0, 0.0]]):
        with pytest.raises(ValueError, match="2 finite numbers"):
            arm.act(np.array(bad))


@pytest.mark.parametrize("episodes", [2, pytest.param(250, marks=LONG)])
def test_the_arm_itself_stays_in_the_workspace_under_wild_actions(env, episodes):
    half = (env.arm.workspace.high - env.arm.workspace.low) / 2
    random = np.random.default_rng(1)
    for seed in range(episodes):
        corner = random.choice([-9.0, -1.0, 1.0, 9.0], 2)
        _, infos = play(
            env, seed, lambda env, k, c=corner: c if k < 20 else random.choice([-1.0, 1.0], 2)
        )
        beyond = [(np.abs(info["pose"] - env.arm.window_offset) - 1.0) * half for info in infos]
        assert np.max(beyond) < 0.001  # metres: what the controller may overshoot
        assert all(info["valid"] for info in infos)


def test_unseeded_resets_go_on_from_the_last_seed(env):
    starts = []
    for _ in range(2):
        env.reset(seed=11)
        env.reset()
        post = env.simulator.scene.post
        starts.append(np.concatenate([env.arm.target, env.arm.window_offset, post]))
    assert np.array_equal(*starts)
    env.reset()
    assert not np.array_equal(env.arm.target, starts[0][:2])


def test_each_episode_draws_its_window_and_its_scene_within_the_configured_ranges(env):
    task, config = find_task("cable_routing"), env.simulator.config
    offsets, seconds, lengths = [], [], []
    for seed in range(12):
        env.reset(seed=seed)
        offsets.append(env.arm.window_offset)
        seconds.append([*env.simulator.scene.slot_2.position, env.simulator.scene.slot_2.yaw])
        lengths.append(env.simulator.scene.cable_length)
    bounds = np.array([task.window_offset[name] for name in ("x", "z")]).T
    assert (np.min(offsets, 0) >= bounds[0]).all() and (np.max(offsets, 0) <= bounds[1]).all()
    spread = config.scene_randomization.slot_2
    away = np.abs(seconds - np.array([*config.slot_2.position, config.slot_2.yaw])).max(0)
    assert (away <= [spread.x, spread.y, spread.yaw]).all()
    assert (away > 0.3 * np.array([spread.x, spread.y, spread.yaw])).all()
    assert np.ptp(lengths) > 0.005


@pytest.mark.parametrize("disturbance", ["cable_pulled_out", "arm_pushed"])
def test_what_happens_within_an_episode_happens_once_slot_1_is_filled(env, disturbance):
    env.reset(seed=5, options={"disturbance": disturbance})
    targets, held = [env.arm.target], []
    for _ in range(24):
        info = env.step(env.expert_action())[4]
        targets.append(env.arm.target)
        held.append(info["slot_1"] == Slot1.INSIDE)
    filled = held.index(True)
    if disturbance == "cable_pulled_out":
        assert all(held[filled : filled + 5]) and not held[filled + 5]
    else:
        jumps = np.abs(np.diff(targets, axis=0)).max(1)
        assert (jumps > 0.21).sum() == 1 and jumps.argmax() == filled + 1


def test_the_other_disturbances_change_what_they_name_and_nothing_else(env):
    seen = {}
    for disturbance in Disturbance:
        env.reset(seed=5, options={"disturbance": disturbance.value})
        model, scene = env.simulator.model, env.simulator.scene
        seen[disturbance] = (
            scene.bend_modulus,
            model.cam_quat.copy(),
            model.mat_rgba.copy(),
            scene.post,
            env.arm.target,
        )
    modulus, cameras, colours, post, start = seen[Disturbance.NONE]
    assert seen[Disturbance.STIFF_CABLE][0] == 2 * modulus
    assert not np.array_equal(seen[Disturbance.CAMERA_BUMPED][1], cameras)
    assert not np.array_equal(seen[Disturbance.UNSEEN_VISUALS][2], colours)
    for found in seen.values():
        assert np.array_equal(found[3], post) and np.array_equal(found[4], start)
    with pytest.raises(ValueError, match=r"earthquake.*arm_pushed"):
        env.reset(options={"disturbance": "earthquake"})


def test_a_blind_observation_is_black_or_the_first_for_ever():
    made = CableRoutingEnv(images="first")
    first = made.reset(seed=1)[0]
    assert first.any() and np.array_equal(made.step(np.ones(2))[0], first)
    made.close()
    blank = CableRoutingEnv(images="blank")
    assert not blank.reset(seed=1)[0].any() and not blank.step(np.ones(2))[0].any()


def test_gymnasium_makes_it_by_its_id_with_the_promised_spaces():
    register_environments()
    env = gymnasium.make("mentor/cable_routing-v0")
    observation, info = env.reset(seed=0)
    assert env.observation_space.shape == observation.shape == (27, 84, 84)
    assert observation.dtype == np.uint8 and env.action_space.shape == (2,)
    assert env.unwrapped.frame_layout.cameras == ("side", "slot_1", "slot_2")
    assert env.unwrapped.action_repeat == 1 and info["success"] is False
    first, middle, last = observation.reshape(3, 3, 3, 84, 84).swapaxes(0, 1)
    assert np.array_equal(first, middle) and np.array_equal(middle, last)
    after = env.step(np.array([1.0, 1.0], np.float32))[0].reshape(3, 3, 3, 84, 84).swapaxes(0, 1)
    assert np.array_equal(after[0], last) and not np.array_equal(after[1], after[2])
    env.close()


def test_an_episode_is_truncated_after_its_last_step_and_never_terminates(env):
    env.reset(seed=0)
    ends = [env.step(np.zeros(2))[2:4] for _ in range(30)]
    assert ends[:-1] == [(False, False)] * 29 and ends[-1] == (False, True)
    with pytest.raises(RuntimeError, match="reset"):
        env.step(np.zeros(2))


def test_a_torn_cable_ends_the_episode_as_not_valid_and_a_reset_mends_it(env):
    env.reset(seed=0)
    env.simulator.fail_soon()
    *_, terminated, truncated, info = env.step(np.array([0.5, 0.5]))
    assert (terminated, truncated, info["valid"]) == (False, True, False)
    assert "torn" in info["reason"]
    env.reset(seed=0)
    assert env.step(np.zeros(2))[4]["valid"]
