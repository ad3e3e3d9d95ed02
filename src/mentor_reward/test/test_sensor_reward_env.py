"""The environment in process with the classifiers' rewards gives what the reward node gives."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from task_node import TASK
from test_cable_reward import BY_HAND

from mentor_common.env.registration import register_environments
from mentor_reward.classifier.slot_classifier import load_classifiers
from mentor_reward.rewards.cable_routing import SlotStateReader

register_environments()


@pytest.fixture(scope="module")
def env():
    made = gymnasium.make("mentor/cable_routing_classified-v0", disable_env_checker=True)
    yield made
    made.close()


def test_its_rewards_are_those_of_the_states_seen_in_its_observations(env):
    reader = SlotStateReader(load_classifiers(), TASK.observed_cameras)
    rng = np.random.default_rng(0)
    env.reset(seed=11)
    for _ in range(4):
        action = rng.uniform(-1, 1, 2).astype(np.float32)
        observation, reward, terminated, truncated, info = env.step(action)
        seen = reader.read(TASK.layout.newest_frames(observation))
        assert reward == BY_HAND[seen[0]][seen[1]] == sum(info["reward_terms"].values())
        assert info["success"] == (seen == (3, 6))
        assert info["true_success"] == ((info["slot_1"], info["slot_2"]) == (3, 6))
        assert info["true_reward"] == BY_HAND[info["slot_1"]][info["slot_2"]]
        assert not terminated and not truncated


def test_it_ends_when_the_environment_within_ends():
    made = gymnasium.make("mentor/cable_routing_classified-v0", max_steps=2)
    try:
        made.reset(seed=1)
        assert made.step(np.zeros(2, np.float32))[3] is False
        assert made.step(np.zeros(2, np.float32))[3] is True
    finally:
        made.close()


def test_the_committed_weights_are_small_and_name_their_classes():
    for camera, classifier in load_classifiers().items():
        numbers = sum(p.numel() for p in classifier.network.parameters())
        assert numbers * 2 < 1_000_000
        assert classifier.camera == camera and not classifier.network.training
