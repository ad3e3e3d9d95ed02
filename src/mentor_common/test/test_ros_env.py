"""RosEnv against real bridges over real DDS: well, ill, dead, and back again.

Longer than 350 lines: all share one process of a bridge and its troubles.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import gymnasium
import numpy as np
import pytest
import rclpy
from cell_process import CellProcess, fresh_namespace
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from mentor_common.env import ros_requests
from mentor_common.env.ros_env import (
    CellHeldError,
    EnvironmentChanged,
    EnvironmentLost,
    RosEnv,
)
from mentor_common.node.claim import Claim
from mentor_common.node.claims import Claims
from mentor_common.node.remote_action import GoalRejected

STILL = np.zeros(2, np.float32)
BRIDGE = "grey_bridge.py"


@pytest.fixture(scope="module")
def cell() -> Iterator[str]:
    """The namespace of a bridge that is well."""
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace):
        yield namespace


def make(namespace: str, **options: Any) -> RosEnv:
    return RosEnv(namespace, **{"timeout": 30.0, "reset_timeout": 60.0, **options})


def roll(env: RosEnv, seed: int, steps: int = 10) -> list[tuple[int, float, bool]]:
    observation, _ = env.reset(seed=seed)
    seen = [(int(observation.flat[0]), 0.0, False)]
    actions = np.random.default_rng(seed)
    for _ in range(steps):
        action = actions.uniform(-1, 1, 2).astype(np.float32)
        observation, reward, _, truncated, info = env.step(action)
        assert len(set(observation.flat)) == 1 and observation.flat[0] == int(reward)
        assert info["reward_terms"] == {"light": reward} and info["valid"] is True
        assert info["success"] is (reward > 128)
        seen.append((int(observation.flat[0]), reward, truncated))
    return seen


def test_gymnasiums_own_check_passes(cell: str) -> None:
    env = gymnasium.make("mentor/ros-v0", namespace=cell, reset_timeout=60.0)
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_the_environment_is_as_described(cell: str) -> None:
    env = make(cell, render_mode="rgb_array")
    assert env.observation_space.shape == (9, 84, 84) and env.action_space.shape == (2,)
    assert env.frame_layout.cameras == ("side",) and env.frame_layout.stacked
    assert env.action_repeat == 2 and env.metadata["render_fps"] == 20
    observation, _ = env.reset(seed=3)
    picture = env.render()
    assert picture is not None and picture.shape == (84, 84, 3)
    assert np.array_equal(picture[..., 0], observation[6])
    env.close()


def test_same_seed_and_actions_give_the_same_episode(cell: str) -> None:
    env = make(cell)
    first = roll(env, 7)
    old = env.counts.strays  # the history that the topics keep for who comes late
    assert roll(env, 7) == first and roll(env, 8) != first
    assert (env.counts.strays, env.counts.duplicates) == (old, 0)
    env.close()


def test_an_episode_ends_when_the_bridge_says_so(cell: str) -> None:
    env = make(cell)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(STILL)
    assert [truncated for *_, truncated in roll(env, 1, 20)] == [False] * 20 + [True]
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(STILL)
    env.close()


@pytest.mark.parametrize("action", [[0.0], [0.0, 1.5], [np.nan, 0.0], [[0.0, 0.0]]])
def test_what_is_no_action_is_refused_and_changes_nothing(cell: str, action: Any) -> None:
    env = make(cell)
    env.reset(seed=1)
    with pytest.raises(ValueError, match="action"):
        env.step(np.array(action, np.float32))
    assert env.step(STILL)[1] > 0.0
    env.close()


@pytest.mark.parametrize("trouble", ["reward_first", "twice", "strays"])
def test_messages_out_of_order_twice_or_of_other_episodes_change_nothing(
    cell: str, trouble: str
) -> None:
    well, namespace = make(cell), fresh_namespace()
    with CellProcess(BRIDGE, namespace, trouble=trouble):
        env = make(namespace)
        assert roll(env, 5) == roll(well, 5)
        assert roll(env, 6, 20) == roll(well, 6, 20)
        spoilt = env.counts.duplicates + env.counts.strays
        assert (spoilt == 0) == (trouble == "reward_first")
        env.close()
    well.close()


def test_a_late_agent_is_not_confused_by_what_it_missed(cell: str) -> None:
    first = make(cell)
    seen = roll(first, 9)
    second = make(cell)  # gets the experience of all tests before
    first.reset(seed=9)
    with pytest.raises(
        CellHeldError, match=r"a RosEnv \(process .* holds .*/action already.*namesp"
    ):
        second.reset(seed=9)
    with pytest.raises(ResetNeeded):
        second.step(STILL)
    assert first.step(STILL)[4]["valid"]  # the second one moved nothing, and ended no episode
    first.close()
    assert roll(second, 9) == seen
    second.close()


def test_an_agent_that_finds_the_other_one_late_is_refused_too(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make(cell), make(cell)
    first.reset(seed=9)
    rival, asked = Claims.rival, []

    def not_found_at_first(claims: Claims) -> Claim | None:
        asked.append(claims)
        return None if len(asked) == 1 else rival(claims)

    monkeypatch.setattr(Claims, "rival", not_found_at_first)
    with closing(first), closing(second):
        with pytest.raises(CellHeldError, match=r"holds .*/action already"):
            second.reset(seed=9)
        monkeypatch.undo()
        assert first.step(STILL)[4]["valid"]
        first.close()
        assert second.reset(seed=9)


def test_a_state_comes_beside_the_image() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, state_size=3, cameras="[a, b]"):
        env = make(namespace)
        check_env(env, skip_render_check=True)
        observation, _ = env.reset(seed=2)
        assert observation["image"].shape == (18, 84, 84)
        assert observation["state"].dtype == np.float32 and observation["state"].shape == (3,)
        env.close()


def test_a_bridge_killed_in_mid_episode_is_named_in_time_and_when_back_used_again() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace) as bridge:
        env = make(namespace)
        before = roll(env, 4)
        bridge.end(signal.SIGKILL)
        env.timeout = 1.0
        begin = time.monotonic()
        with pytest.raises(EnvironmentLost, match=rf"{namespace}/bridge"):
            env.step(STILL)
        assert time.monotonic() - begin < 10.0
        with pytest.raises(gymnasium.error.ResetNeeded):
            env.step(STILL)
    env.reset_timeout = 4.0  # the next bridge comes after this one's lease
    with pytest.raises(EnvironmentLost, match="describe"):
        env.reset(seed=4)
    env.timeout, env.reset_timeout = 30.0, 60.0
    with CellProcess(BRIDGE, namespace):
        assert roll(env, 4) == before
    env.close()


def test_a_killed_bridge_is_missed_long_before_a_long_timeout() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, trouble="mute") as bridge:
        env = make(namespace, timeout=60.0)
        env.reset()
        threading.Timer(0.5, bridge.process.kill).start()
        begin = time.monotonic()
        with pytest.raises(EnvironmentLost, match=rf"{namespace}/bridge.* is gone"):
            env.step(STILL)
        assert time.monotonic() - begin < 10.0  # its DDS lease is 3 s
        env.close()


def test_a_bridge_that_is_silent_is_named() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, trouble="mute"):
        env = make(namespace)
        env.reset()
        env.timeout = 0.5
        with pytest.raises(EnvironmentLost, match=r"bridge is silent on .*/observation.*/reward"):
            env.step(STILL)
        env.close()


def test_a_reset_that_fails_or_takes_too_long_says_where() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, trouble="bad_reset"):
        env = make(namespace)
        with pytest.raises(EnvironmentLost, match="the grey is stuck"):
            env.reset()
        env.close()
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, trouble="slow_reset"):
        env = make(namespace, reset_timeout=3.0, connect_timeout=60.0)
        with pytest.raises(EnvironmentLost, match="'lift', which waits for the arm"):
            env.reset()
        env.close()


@pytest.mark.parametrize(
    "who, said", [("", "its log says why"), ("/other (process 7)", "/other (process 7) acts")]
)
def test_a_reset_that_is_rejected_is_asked_for_ever_less_often_and_the_log_says_by_whom(
    cell: str,
    who: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    env, tries = make(cell, reset_timeout=2.0), list[float]()

    def reject(*_: Any, **__: Any) -> None:
        tries.append(time.monotonic())
        raise GoalRejected("rejected the goal")

    requests = env.unwrapped._link.requests
    assert requests._holder() == ""  # nobody else acts here
    monkeypatch.setattr(requests, "_holder", lambda: who)
    monkeypatch.setattr(requests._reset, "call", reject)
    monkeypatch.setattr(ros_requests, "WARN_AFTER", 0.5)
    with pytest.raises(EnvironmentLost, match="rejected the goal"):
        env.reset()
    env.close()
    assert 3 <= len(tries) <= 6  # after 0.2, 0.6 and 1.4 seconds
    assert caplog.text.count(f"rejected the goal: {said}") == 1


def test_closing_while_a_reset_is_under_way_ends_the_reset_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, trouble="slow_reset"):
        env = make(namespace, connect_timeout=60.0)
        action = env.unwrapped._link.requests._reset
        wait = action._await

        def closed_at_the_result(*arguments):
            if action._under_way:
                env.close()
            return wait(*arguments)

        monkeypatch.setattr(action, "_await", closed_at_the_result)
        with pytest.raises(EnvironmentLost, match="closed"):
            env.reset()


def test_a_reset_that_nobody_answers_is_asked_for_again() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, trouble="unanswered_reset"):
        env = make(namespace)
        env.reset(seed=1)
        assert env.step(STILL)[4]["valid"]
        env.close()


def test_nobody_there_is_said_in_time() -> None:
    namespace = fresh_namespace()
    begin = time.monotonic()
    with pytest.raises(EnvironmentLost, match=rf"nobody serves {namespace}/describe"):
        make(namespace, connect_timeout=0.5)
    assert time.monotonic() - begin < 10.0


def test_an_inactive_bridge_is_waited_for() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, autostart=False) as bridge:
        assert bridge.says("waits for a lifecycle manager")
        with pytest.raises(EnvironmentLost, match=r"nobody serves|not ready"):
            make(namespace, connect_timeout=1.0, reset_timeout=1.0).reset()


def test_another_environment_under_the_same_name_is_refused() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace) as bridge:
        env = make(namespace)
        bridge.end(signal.SIGINT)
    with CellProcess(BRIDGE, namespace, frames=1):
        with pytest.raises(EnvironmentChanged, match="frames changed from 3 to 1"):
            env.reset()
        env.close()


def test_two_cells_in_one_process_do_not_hear_each_other(cell: str) -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, max_steps=5):
        one, two = make(cell), make(namespace)
        one.reset(seed=1)
        two.reset(seed=2)
        old = one.counts.strays, two.counts.strays
        for step in range(5):
            first, _, _, over, _ = one.step(STILL)
            second, _, _, over_too, _ = two.step(STILL)
            assert (over, over_too) == (False, step == 4)
            assert first.flat[0] != second.flat[0]
        assert (one.counts.strays, two.counts.strays) == old
        one.close()
        two.close()


def test_the_graph_names_the_node_that_acts_through_it(cell: str) -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("policy", namespace=cell, context=context)
    env = make("", node=node)
    alone = make(cell)
    actions, observations = f"{cell}/action", f"{cell}/observation"
    try:
        roll(env, 7)
        names = [info.node_name for info in node.get_publishers_info_by_topic(actions)]
        assert "policy" in names
        receiving = [info.node_name for info in node.get_subscriptions_info_by_topic(observations)]
        assert "policy" in receiving
        with pytest.raises(CellHeldError, match=f"{cell}/policy .* holds {cell}/action already"):
            alone.reset()
    finally:
        alone.close()
        env.close()
    assert all(p.topic_name != actions for p in node.publishers)
    assert all(s.topic_name != observations for s in node.subscriptions)
    node.destroy_node()
    context.try_shutdown()


def test_other_threads_run_while_a_step_waits() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, trouble="mute"):
        env = make(namespace)
        env.reset()
        env.timeout = 1.0
        turns, over = [0], threading.Event()

        def work() -> None:
            while not over.is_set():
                turns[0] += 1
                time.sleep(0.001)

        thread = threading.Thread(target=work)
        thread.start()
        with pytest.raises(EnvironmentLost):
            env.step(STILL)
        over.set()
        thread.join()
        assert turns[0] > 100
        env.close()


def test_closing_ends_a_waiting_step_at_once() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace, trouble="mute"):
        env = make(namespace, timeout=30.0)
        env.reset()
        threading.Timer(0.3, env.close).start()
        begin = time.monotonic()
        with pytest.raises(EnvironmentLost, match="closed"):
            env.step(STILL)
        assert time.monotonic() - begin < 15.0
        env.close()


LEFT_OPEN = """
import sys
from mentor_common.env.ros_env import RosEnv
env = RosEnv(sys.argv[1], reset_timeout=60.0)
env.reset()
"""


def test_a_closed_one_says_so_at_the_next_reset(cell: str) -> None:
    env = RosEnv(cell)
    env.reset(seed=1)
    env.close()
    with pytest.raises(EnvironmentLost, match="this RosEnv is closed"):
        env.reset()


def test_a_program_that_forgets_to_close_still_ends_well(cell: str) -> None:
    command = [sys.executable, "-c", LEFT_OPEN, cell]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr


@pytest.mark.soak
def test_a_bridge_killed_twenty_times_never_confuses_the_agent() -> None:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace):
        env = make(namespace, timeout=5.0)
        expected = roll(env, 3, 20)
    for number in range(20):
        with CellProcess(BRIDGE, namespace) as bridge:
            env.reset_timeout = 60.0
            assert roll(env, 3, 20) == expected
            env.reset_timeout = 1.0
            threading.Timer(0.01 * (number % 10), bridge.process.kill).start()
            with pytest.raises(EnvironmentLost):
                while True:
                    roll(env, number, 20)
    env.close()
