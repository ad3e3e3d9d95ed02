"""The bridge as a process, over real DDS."""

from __future__ import annotations

import functools
import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from bridge_probe import BridgeProbe
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from paper_tasks import PAPER_TASKS
from rclpy.serialization import serialize_message

from mentor_common.env.ros_env import EnvironmentLost, RosEnv
from mentor_common.messages.experience import action_message, observation_pixels
from mentor_sim_bridge.bridge.fleet import BridgeFleet

REACHER = "mentor/dmc-reacher_easy-v0"


@pytest.fixture(scope="module")
def reacher() -> Iterator[BridgeProbe]:
    """A bridge to a small task, and a probe at its topics."""
    with BridgeFleet(REACHER, 1, "/faults") as fleet, BridgeProbe(fleet.namespaces[0]) as probe:
        yield probe


@functools.cache
def reacher_in_process() -> Any:
    """One for all tests: its graphics context is most of what it costs."""
    return gym.make(REACHER).unwrapped


def in_process(seed: int, actions: list[Any]) -> tuple[Any, float]:
    """Observation and reward after these actions."""
    env = reacher_in_process()
    observation, _ = env.reset(seed=seed)
    reward: Any = 0.0
    for action in actions:
        observation, reward, *_ = env.step(np.asarray(action, np.float32))
    return observation, float(reward)


@pytest.mark.parametrize(
    "name",
    [
        "dmc-hopper_hop",
        "adroit-door",
        # An expert of Meta-World goes over the topics in test_bridge_experts.py.
        pytest.param("metaworld-mt5", marks=pytest.mark.soak),
        pytest.param("metaworld-soccer_sparse", marks=pytest.mark.soak),
    ],
)
def test_the_topics_give_what_the_process_gives_to_the_bit(name: str) -> None:
    same_over_topics(f"mentor/{name}-v0", 25)


@pytest.mark.soak
@pytest.mark.parametrize("task", PAPER_TASKS, ids=lambda task: task.name)
def test_whole_episodes_of_every_task_are_the_same_over_topics(task: Any) -> None:
    same_over_topics(task.id, 500)


def same_over_topics(name: str, steps: int) -> None:
    with BridgeFleet(name, 1, "/same") as fleet:
        near: Any = gym.make(name).unwrapped
        far = RosEnv(fleet.namespaces[0])
        assert far.observation_space == near.observation_space
        assert far.action_space == near.action_space
        assert far.frame_layout == near.frame_layout
        assert far.action_repeat == near.action_repeat
        assert far.max_steps == near.max_steps
        rng = np.random.default_rng(1)
        for seed in (4, None):
            here, _ = near.reset(seed=seed)
            there, _ = far.reset(seed=seed)
            assert np.array_equal(here, there)
            ended = False
            for _ in range(steps):
                action = rng.uniform(-1, 1, near.action_space.shape).astype(np.float32)
                here = near.step(action)
                there = far.step(action)
                assert np.array_equal(here[0], there[0])
                assert here[1:4] == there[1:4]
                assert here[4]["success"] == there[4]["success"]
                assert there[4]["task"] == here[4].get("task", near.task)
                assert here[4].get("reward_terms", {}) == there[4]["reward_terms"]
                ended = here[2] or here[3]
                if ended:
                    break
        far.close()
        near.close()


def test_the_bridge_describes_its_environment(reacher: BridgeProbe) -> None:
    answer = reacher.describe()
    assert answer.task == "dmc-reacher_easy"
    assert REACHER in answer.environment
    assert (answer.frames, answer.height, answer.width, answer.stacked) == (3, 84, 84, True)
    assert list(answer.action_names) == ["shoulder", "wrist"]
    assert answer.action_low.tolist() == [-1, -1] and answer.action_high.tolist() == [1, 1]
    assert (answer.max_steps, answer.action_repeat) == (500, 2)
    assert answer.period == pytest.approx(0.04)


BAD = {
    "actions dropped: wrong size": lambda p, e: p.act([0.5], e, 0),
    "actions dropped: not finite": lambda p, e: p.act([np.nan, np.inf], e, 0),
    "actions dropped: other step": lambda p, e: p.act([0.5, 0.5], e, 3),
    "actions dropped: other episode": lambda p, e: p.act([0.5, 0.5], e - 1, 0),
    "actions dropped: past their deadline": lambda p, e: p.act(
        [0.5, 0.5], e, 0, deadline=0.1, age=0.5
    ),
}


@pytest.mark.parametrize("counter", list(BAD))
def test_a_bad_action_is_counted_and_moves_nothing(reacher: BridgeProbe, counter: str) -> None:
    before = reacher.counts()
    episode = reacher.reset(seed=9).episode
    BAD[counter](reacher, episode)
    reacher.rest()
    assert (episode, 1) not in reacher.observations
    seen, reward = reacher.step([0.1, -0.2], episode, 0)
    wanted, value = in_process(9, [[0.1, -0.2]])
    assert np.array_equal(observation_pixels(seen), wanted)
    assert reward.value == value
    after = reacher.counts()
    changed = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    assert changed == {counter: 1, "actions executed": 1, "episodes": 1}


def test_the_agent_of_a_refused_action_is_told_that_its_step_failed(reacher: BridgeProbe) -> None:
    """It would wait for its whole step timeout."""
    episode = reacher.reset(seed=9).episode
    reacher.act([0.5, 0.5], episode, 0, deadline=0.1, age=0.5)
    reward = reacher.until(lambda: reacher.rewards.get((episode, 1)), 20.0)
    assert (reward.truncated, reward.valid) == (True, False) and "past their dead" in reward.reason
    assert reacher.until(lambda: reacher.observations.get((episode, 1)))


def test_the_agent_of_an_episode_that_another_reset_has_ended_is_told(reacher: BridgeProbe) -> None:
    episode = reacher.reset(seed=9).episode
    later = reacher.reset(seed=9).episode
    reacher.act([0.5, 0.5], episode, 0)
    reward = reacher.until(lambda: reacher.rewards.get((episode, 1)), 20.0)
    assert (reward.truncated, reward.valid) == (True, False) and "another reset" in reward.reason
    seen, _ = reacher.step([0.1, -0.2], later, 0)
    assert np.array_equal(observation_pixels(seen), in_process(9, [[0.1, -0.2]])[0])


def test_an_action_beyond_the_bounds_is_clipped_and_counted(reacher: BridgeProbe) -> None:
    before = reacher.counts()
    episode = reacher.reset(seed=3).episode
    seen, reward = reacher.step([7.0, -0.5], episode, 0)
    wanted, value = in_process(3, [[1.0, -0.5]])
    assert np.array_equal(observation_pixels(seen), wanted) and reward.value == value
    clipped = "actions clipped to their bounds"
    assert reacher.counts()[clipped] == before[clipped] + 1


def test_an_action_that_comes_twice_is_carried_out_once(reacher: BridgeProbe) -> None:
    episode = reacher.reset(seed=3).episode
    for _ in range(3):
        reacher.act([0.5, 0.5], episode, 0)
    reacher.until(lambda: (episode, 1) in reacher.observations)
    reacher.rest()
    assert (episode, 2) not in reacher.observations


def test_after_the_end_of_an_episode_nothing_moves() -> None:
    options = {"action_repeat": 64}
    with BridgeFleet(REACHER, 1, "/end", options) as fleet, BridgeProbe("/end_0") as probe:
        episode = probe.reset(seed=1).episode
        reward: Any = None
        for step in range(16):
            _, reward = probe.step([0.0, 0.0], episode, step)
        assert reward.truncated and not reward.terminated
        probe.act([0.0, 0.0], episode, 16)
        probe.rest()
        assert (episode, 17) not in probe.observations
        assert probe.counts()["actions dropped: no episode is running"] == 1
        assert probe.reset().episode == episode + 1
        assert fleet.processes[0].poll() is None


@pytest.mark.parametrize(
    ("options", "word"),
    [({"task_id": "[oops"}, "task_id"), ({"task_id": "7"}, "0 to 4")],
)
def test_a_reset_with_bad_options_fails_with_the_reason(options: Any, word: str) -> None:
    with (
        BridgeFleet("mentor/metaworld-mt5-v0", 1, "/options"),
        BridgeProbe("/options_0") as probe,
    ):
        result = probe.reset(seed=1, **options)
        assert not result.success and word in result.message
        result = probe.reset(seed=1, task_id="3")
        assert result.success
        first = probe.observations[(result.episode, 0)]
        assert first.header.frame_id == "metaworld-mt5/drawer_close"


def mutated(rng: random.Random, good: bytes) -> bytes:
    """A message with bytes changed, cut out, put in, or all of them by chance."""
    data = bytearray(good)
    for _ in range(rng.randint(1, 6)):
        kind = rng.randrange(5)
        at = rng.randrange(max(1, len(data)))
        if kind == 0 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.randint(1, 8)]
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.randint(1, 8))
        elif kind == 3:
            data[at : at + 4] = rng.choice([b"\xff" * 4, b"\x00" * 4, b"\x00\x00\xc0\x7f"])
        else:
            data = bytearray(good[:4]) + rng.randbytes(rng.randint(0, 80))
    return bytes(data)


def test_ten_thousand_mutated_messages_crash_nothing(reacher: BridgeProbe) -> None:
    before = reacher.counts()
    rng = random.Random(0)
    episode = reacher.reset(seed=1).episode
    stamp = reacher.node.get_clock().now().to_msg()
    good = serialize_message(action_message([0.1, 0.2], episode, 0, stamp))
    for count in range(10_000):
        reacher.publisher.publish(mutated(rng, good))
        if count % 100 == 99:
            reacher.rest(0.02)
    episode = reacher.reset(seed=5).episode
    seen, reward = reacher.step([0.3, 0.3], episode, 0)
    wanted, value = in_process(5, [[0.3, 0.3]])
    assert np.array_equal(observation_pixels(seen), wanted) and reward.value == value
    after = reacher.counts()
    unreadable = "actions dropped: unreadable message"
    # How many DDS itself drops depends on the machine's load; many must have arrived.
    assert sum(after.values()) - sum(before.values()) > 500
    assert after[unreadable] - before[unreadable] > 100


def test_a_killed_bridge_is_missed_and_its_successor_goes_on_with_a_fresh_episode() -> None:
    with BridgeFleet(REACHER, 1, "/killed") as fleet:
        env = RosEnv(fleet.namespaces[0], timeout=20.0)
        env.reset(seed=2)
        for _ in range(5):
            env.step(np.zeros(2, np.float32))
        old = env.episode
        os.kill(fleet.processes[0].pid, signal.SIGKILL)
        begin = time.monotonic()
        with pytest.raises(EnvironmentLost, match=r"gone|silent|nobody"):
            env.step(np.zeros(2, np.float32))
        assert time.monotonic() - begin < 10.0
        fleet.restart(0)
        observation, _ = env.reset(seed=2)
        assert env.episode is not None and old is not None and env.episode != old
        wanted, _ = in_process(2, [])
        assert np.array_equal(observation, wanted)
        env.step(np.zeros(2, np.float32))
        env.close()


def test_an_inactive_bridge_moves_nothing_and_says_so() -> None:
    with (
        BridgeFleet(REACHER, 1, "/asleep", {"autostart": False}) as fleet,
        pytest.raises(EnvironmentLost),
    ):
        RosEnv(fleet.namespaces[0], connect_timeout=3.0)


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"image_sise": 64}, "image_size"),
        ({"environment_options": "{"}, "JSON"),
        ({"environment": "mentor/dmc-hopper_fly-v0"}, "hopper_fly"),
        ({"camera": "nose"}, "nose"),
    ],
)
def test_a_bad_parameter_ends_the_process_with_the_reason(
    parameters: Any, word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    name = parameters.pop("environment", REACHER)
    with BridgeFleet(name, 1, "/bad", parameters) as fleet:
        assert fleet.processes[0].wait(60) in (1, 2)
    printed = capfd.readouterr()
    assert word in printed.out + printed.err


def test_sigint_ends_a_bridge_in_time_and_with_status_zero() -> None:
    with BridgeFleet(REACHER, 1, "/stopped") as fleet, BridgeProbe("/stopped_0") as probe:
        probe.reset(seed=1)
        fleet.processes[0].send_signal(signal.SIGINT)
        assert fleet.processes[0].wait(10) == 0


def test_a_bridge_goes_through_its_lifecycle_and_plays_again() -> None:
    with BridgeFleet(REACHER, 1, "/cycle"), BridgeProbe("/cycle_0") as probe:
        client = probe.node.create_client(ChangeState, "benchmark_bridge/change_state")
        probe.until(client.service_is_ready)

        def change(transition: int) -> None:
            request = ChangeState.Request(transition=Transition(id=transition))
            future = client.call_async(request)
            probe.until(future.done)
            assert future.result().success

        episode = probe.reset(seed=4).episode
        change(Transition.TRANSITION_DEACTIVATE)
        probe.act([0.1, 0.1], episode, 0)
        probe.rest()
        assert (episode, 1) not in probe.observations  # inactive: receives nothing
        assert probe.reset(seed=4) is None  # and its action server rejects goals
        change(Transition.TRANSITION_ACTIVATE)
        # The agent of the episode that the deactivation has ended does not wait in vain.
        reward = probe.until(lambda: probe.rewards.get((episode, 1)), 20.0)
        assert not reward.valid and "became inactive" in reward.reason
        change(Transition.TRANSITION_DEACTIVATE)
        change(Transition.TRANSITION_CLEANUP)
        change(Transition.TRANSITION_CONFIGURE)
        change(Transition.TRANSITION_ACTIVATE)
        result = probe.reset(seed=4)
        assert result.episode != episode
        seen, reward = probe.step([0.1, 0.1], result.episode, 0)
        wanted, value = in_process(4, [[0.1, 0.1]])
        assert np.array_equal(observation_pixels(seen), wanted) and reward.value == value
