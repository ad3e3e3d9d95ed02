"""A reward node that is started again, over real DDS."""

from __future__ import annotations

import time

from fake_stream import FakeStream
from task_node import task_node


def test_a_restarted_node_rewards_nothing_that_had_its_reward():
    stream = FakeStream()
    node = "mentor_reward.nodes.reward_node"
    try:
        for life in (1, 2):
            with task_node(node, states="ground_truth", observation_timeout=0.6):
                stream.wait_for_node("ground_truth")
                for step in range(1, 4):
                    stream.truth(life, step, 3, 6)
                    stream.observation(life, step)
                    stream.motion(life, step)
                    assert stream.reward(life, step).valid
                    stream.action(life, step)
                time.sleep(1.0)  # whatever it would publish of the first life has had its time
            assert stream.wait(lambda: not stream.node.count_publishers("/reward"), 60.0)
        steps = [(reward.episode, reward.step) for reward in stream.rewards]
        assert sorted(steps) == [(life, step) for life in (1, 2) for step in (1, 2, 3)]
    finally:
        stream.close()
