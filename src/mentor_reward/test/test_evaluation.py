"""Rewards from images are held against the true ones at every step of every policy's episodes."""

from __future__ import annotations

import numpy as np
import pytest
from slot_pictures import shown
from task_node import TASK
from walking_states import WalkingStates

from mentor_common.tasks.cable_routing import cable_reward_of
from mentor_reward.classifier.evaluation import POLICIES, reward_agreement
from mentor_reward.classifier.slots import SLOTS, states_of

REWARD = cable_reward_of(TASK)


class Reading:
    """Reads the bar of the camera's own picture; of what it is blind to it says 0."""

    def __init__(self, camera: str, blind_to: int = -1) -> None:
        self.camera, self.blind_to = camera, blind_to
        self.cameras = (camera,)

    def frame_logits(self, frames: dict[str, np.ndarray], cache: object) -> np.ndarray:
        classes = len(states_of(self.camera))
        state = shown(frames[self.camera], classes)
        return np.eye(classes, dtype=np.float32)[0 if state == self.blind_to else state]


@pytest.mark.parametrize("policy", POLICIES)
def test_who_reads_every_state_agrees_on_every_step(policy):
    classifiers = {camera: Reading(camera) for camera in SLOTS}
    agreement = reward_agreement(WalkingStates(), classifiers, REWARD, range(3), policy)
    assert agreement.episodes == 3 and agreement.steps == 60 and agreement.share == 1.0
    for matrix in agreement.matrices.values():
        assert matrix.sum() == 60 and np.trace(matrix) == 60


def test_a_state_that_is_not_seen_counts_against_the_reward_and_in_the_matrix():
    classifiers = {"slot_1": Reading("slot_1"), "slot_2": Reading("slot_2", blind_to=6)}
    agreement = reward_agreement(WalkingStates(), classifiers, REWARD, range(2), "expert")
    missed = agreement.matrices["slot_2"][6]
    assert missed[0] == missed.sum() > 10
    assert agreement.steps - agreement.same_reward == missed[0]
    assert agreement.as_dict()["share"] == agreement.share < 0.5


def test_an_unknown_policy_is_refused_by_name():
    with pytest.raises(ValueError, match="'lazy' is unknown; known: random, and"):
        reward_agreement(WalkingStates(), {}, REWARD, range(1), "lazy")
