"""The peg insertion cell in process: solvable, not by chance, repeatable, disturbed on request."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
import yaml

from mentor_common.env.registration import register_environments
from mentor_common.tasks.peg_insertion import peg_reward_of
from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardOptions,
    StepInputs,
    make_reward,
)
from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.peg.config import DEFAULT_FILE, load_peg_config
from mentor_sim_bridge.twins.peg.env import PegInsertionEnv
from mentor_sim_bridge.twins.peg.sampled_scene import nominal_scene
from mentor_sim_bridge.twins.peg.shapes import PEGS

LONG = pytest.mark.soak
TASK = find_task("peg_insertion")
INSERTION = 24  # steps in which the expert is done


@pytest.fixture(scope="module")
def env():
    made = PegInsertionEnv(images="blank")  # what a peg does needs no images
    yield made
    made.close()


def play(env, seed: int, policy, steps: int = 50, **options) -> list[dict]:
    """The infos of an episode's steps; the policy is told env and step."""
    env.reset(seed=seed, options=options)
    return [env.step(policy(env, step))[4] for step in range(steps)]


def expert(env, step: int) -> np.ndarray:
    return env.expert_action()


def random_actions(seed: int):
    random = np.random.default_rng(seed)
    return lambda env, step: random.uniform(-1.0, 1.0, 4)


@pytest.mark.parametrize("peg", PEGS)
@pytest.mark.parametrize("count", [1, pytest.param(100, marks=LONG)])
def test_an_expert_that_sees_the_true_state_succeeds_and_the_pose_tells_it(env, peg, count):
    """What a real cell decides from, pose and height, agrees with the depth that was reached."""
    model = make_reward(TASK, RewardOptions())
    model.begin_episode(EpisodeInfo(1, options={"peg": peg}), None)
    wins, agreed = [], []
    for seed in range(count):
        infos = play(env, 40_000 + seed, expert, INSERTION, peg=peg)
        told = [model.compute(StepInputs(1, 1, info["pose"], 0, 0)).success for info in infos]
        agreed += [one == info["success"] for one, info in zip(told, infos, strict=True)]
        wins.append(infos[-1]["success"] and told[-1])
        assert all(info["valid"] for info in infos)
    assert sum(wins) >= 0.95 * count
    assert np.mean(agreed) > 0.9  # they differ by a step about the moment of insertion


@pytest.mark.parametrize("count", [1, pytest.param(300, marks=LONG)])
def test_random_actions_do_not_succeed(env, count):
    wins = sum(
        any(info["success"] for info in play(env, seed, random_actions(seed)))
        for seed in range(count)
    )
    assert wins < max(1.0, 0.01 * count)


@pytest.mark.parametrize("peg", PEGS)
def test_the_taught_goal_is_where_the_twin_has_the_socket(env, peg):
    env.reset(seed=0, options={"peg": peg})
    env.simulator.scene = nominal_scene(env.simulator.config)
    goal = TASK.workspace.to_normalised(env.simulator.goal(peg))
    assert goal == pytest.approx(peg_reward_of(TASK).goal(peg), abs=1e-4)
    shelf = TASK.reset.settings.section("shelf").section(peg)
    assert shelf.number("grip", 0.0, 1.0) == env.simulator.config.peg(peg).grip


def test_no_pose_on_the_board_pays_more_than_an_inserted_peg():
    """With the taught goals, which know neither the board's pose nor the peg's in the hand."""
    reward, config = peg_reward_of(TASK), load_peg_config()
    ranges, pitch = config.scene_randomization, config.board.pitch
    board, hand = ranges.board, ranges.hand
    farthest = [
        board.x + hand.x + pitch * board.yaw,
        board.y + hand.y,
        hand.z,
        board.yaw + hand.yaw,
    ]
    half = (TASK.workspace.high - TASK.workspace.low) / 2
    goal = reward.goal("arrow")
    inserted = reward.terms(goal + np.array(farthest) / half, goal)
    up = np.array([0.0, 0.0, config.socket_depth / half[2], 0.0])
    on_board = reward.terms(goal + up, goal)
    assert sum(inserted.values()) > sum(on_board.values())
    assert reward.is_reached(goal + np.array(farthest) / half, goal)


def test_a_chamfer_as_deep_as_the_sockets_is_refused_by_name(tmp_path: Path) -> None:
    cell = yaml.safe_load(DEFAULT_FILE.read_text())
    cell["board"]["chamfer"] = cell["board"]["thickness"]
    (tmp_path / "cell.yaml").write_text(yaml.safe_dump(cell))
    with pytest.raises(ValueError, match=r"cell\.yaml.*board\.chamfer is .* less than the depth"):
        load_peg_config(tmp_path / "cell.yaml")


def test_a_config_is_read_from_a_path_or_its_text():
    assert load_peg_config(str(DEFAULT_FILE)) == load_peg_config()


def test_pegs_are_drawn_equally_often_and_by_the_seed(env):
    def drawn(seed: int) -> list[int]:
        first = env.reset(seed=seed)[1]["peg"]
        return [first, *(env.reset()[1]["peg"] for _ in range(5))]

    turns = [drawn(seed) for seed in range(12)]
    assert all(sorted(turn[:3]) == sorted(turn[3:]) == [0, 1, 2] for turn in turns)
    assert len({tuple(turn) for turn in turns}) > 3 and drawn(2) == turns[2]


def test_each_episode_draws_within_its_ranges_and_keeps_a_third_of_the_visuals_out_of_training(env):
    ranges = load_peg_config().scene_randomization
    boards, hands, light, unseen = [], [], [], []
    for seed in range(12):
        env.reset(seed=seed, options={"disturbance": "unseen_visuals"})
        unseen.append(float(env.simulator.model.light_diffuse[0, 0]))
        env.reset(seed=seed)
        light.append(float(env.simulator.model.light_diffuse[0, 0]))
        boards.append(env.simulator.scene.board - nominal_scene(env.simulator.config).board)
        hands.append(env.simulator.scene.hand)
        friction = env.simulator.scene.friction
        assert ranges.friction[0] <= friction <= ranges.friction[1]
    limits = [ranges.board.x, ranges.board.y, ranges.board.yaw]
    assert (np.abs(boards).max(0) <= limits).all() and (np.ptp(boards, 0) > limits).all()
    limits = [ranges.hand.x, ranges.hand.y, ranges.hand.z, ranges.hand.yaw]
    assert (np.abs(hands).max(0) <= limits).all() and (np.ptp(hands, 0) > limits).all()
    assert max(light) < min(unseen)


@pytest.mark.parametrize("disturbance", ["arm_pushed", "board_moved"])
def test_what_happens_within_an_episode_happens_once_and_the_expert_recovers(env, disturbance):
    env.reset(seed=7, options={"disturbance": disturbance, "peg": "arrow"})
    boards, heights, wins = [], [], []
    for _ in range(45):
        info = env.step(env.expert_action())[4]
        boards.append(env.simulator.scene.board[:2].copy())
        heights.append(info["pose"][2])
        wins.append(info["success"])
    moved = np.linalg.norm(np.diff(boards, axis=0), axis=1)
    if disturbance == "board_moved":
        assert moved[moved > 0] == pytest.approx([0.010])
    else:
        assert moved.max() == 0.0 and (np.diff(heights) > 0.3).sum() == 1
    assert wins[-1]


def test_the_frame_before_the_first_action_after_the_board_moved_shows_it_moved():
    env = PegInsertionEnv(disturbance="board_moved", peg="arrow")
    observation, _ = env.reset(seed=7)
    board = env.simulator.scene.board
    while np.array_equal(env.simulator.scene.board, board):
        before = observation
        observation = env.step(env.expert_action())[0]
    env.close()
    cameras = zip(
        before.reshape(2, 3, 3, 84, 84), observation.reshape(2, 3, 3, 84, 84), strict=True
    )
    for old, new in cameras:  # each: begin, midpoint, end of a motion
        changed = np.abs(new[0].astype(int) - old[2]).max(axis=0) > 20
        assert changed.sum() > 50


def test_unknown_words_are_refused_by_name(env):
    for arguments in ({"peg": "moon"}, {"disturbance": "earthquake"}, {"images": "some"}):
        with pytest.raises(ValueError, match=next(iter(arguments.values()))):
            PegInsertionEnv(**arguments)
    with pytest.raises(ValueError, match=r"'moon' is unknown; known: star, triangle, arrow"):
        env.reset(options={"peg": "moon"})
    with pytest.raises(ValueError, match="'colour'"):
        env.reset(options={"colour": "red"})


def test_a_task_that_numbers_the_pegs_otherwise_is_refused(tmp_path):
    content = yaml.safe_load(Path(TASK.file).read_text())
    content["reward"]["pegs"] = dict(sorted(content["reward"]["pegs"].items()))
    file = tmp_path / "peg_insertion.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(ValueError, match="names arrow, star, triangle, must name star, triangle"):
        PegInsertionEnv(images="blank", task=str(file))


def test_an_expert_asked_before_the_first_reset_says_what_to_do():
    env = PegInsertionEnv(images="blank")
    with pytest.raises(RuntimeError, match=r"peg_insertion: no episode has begun; call reset\(\)"):
        env.expert_action()
    env.close()


def test_the_environment_of_sensors_is_rewarded_by_the_taught_goal():
    register_environments()
    env = gymnasium.make("mentor/peg_insertion_sensors-v0", images="blank")
    env.reset(seed=0, options={"peg": "star"})
    taught = peg_reward_of(TASK)
    _, reward, _, _, info = env.step(np.zeros(4, np.float32))
    assert reward == pytest.approx(
        sum(taught.terms(info["pose"], taught.goal("star")).values()), abs=1e-5
    )
    env.close()


def test_gymnasium_makes_it_by_its_id_with_the_promised_spaces():
    register_environments()
    env = gymnasium.make("mentor/peg_insertion-v0", peg="star")
    observation, info = env.reset(seed=0)
    assert env.observation_space.shape == observation.shape == (18, 84, 84)
    assert observation.dtype == np.uint8 and env.action_space.shape == (4,)
    assert env.unwrapped.frame_layout.cameras == ("wrist", "side") and info["peg"] == 0
    assert env.unwrapped.action_repeat == 1 and info["success"] is False
    assert info["task"] == "peg_insertion/star"
    env.close()
