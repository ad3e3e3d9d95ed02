"""Evaluation of the classifiers: on held-out images, and as the reward of episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np

from mentor_common.tasks.cable_routing import CableReward
from mentor_reward.classifier.confusion import confusion_matrix, recall_per_class
from mentor_reward.classifier.slot_classifier import SlotClassifier
from mentor_reward.classifier.slots import SLOTS
from mentor_reward.classifier.training import predict
from mentor_reward.dataset.exploration import Behaviour, expert_of, noisy_expert, random_behaviour
from mentor_reward.dataset.labelled_images import PictureFiles
from mentor_reward.rewards.cable_routing import SlotStateReader

POLICIES = ("random", "expert", "noisy")
"""Uniform actions, the expert's, and the expert's with noise."""
_NOISE = 0.4


@dataclass(frozen=True)
class ImageScore:
    """The confusion matrix of one camera's images.

    Args:
        matrix: (classes, classes) counts; rows are true states.
        names: names of the states.
    """

    matrix: np.ndarray
    names: tuple[str, ...]

    @property
    def recalls(self) -> dict[str, float]:
        """The recall of each state, by its name."""
        return dict(zip(self.names, recall_per_class(self.matrix).tolist(), strict=True))

    @property
    def accuracy(self) -> float:
        """The share of all images that was classified correctly."""
        return float(np.diag(self.matrix).sum() / max(self.matrix.sum(), 1))

    def as_dict(self) -> dict[str, Any]:
        """Return what a JSON file holds of it."""
        return {
            "accuracy": self.accuracy,
            "recall": self.recalls,
            "matrix": self.matrix.tolist(),
        }


def score_images(
    classifier: SlotClassifier, frames: np.ndarray | PictureFiles, states: np.ndarray
) -> ImageScore:
    """Classify images and compare with their labels.

    Args:
        classifier: classifier of one slot.
        frames: views (N, 3 to 9, 84, 84) uint8.
        states: (N,) true states.
    """
    names = tuple(state.name for state in classifier.states)
    predicted = predict(classifier, frames).argmax(1)
    return ImageScore(confusion_matrix(states, predicted, len(names)), names)


@dataclass(frozen=True)
class Agreement:
    """How often the reward from images equals the reward from the ground truth.

    Args:
        policy: policy that acted.
        episodes: played.
        steps: compared.
        same_reward: steps with equal rewards.
        same_states: steps on which both slots were classified correctly.
        true_successes: episodes that succeeded.
        predicted_successes: episodes whose last step was classified as a success.
        mean_difference: mean absolute difference of the rewards.
        matrices: confusion matrix by camera.
    """

    policy: str
    episodes: int
    steps: int
    same_reward: int
    same_states: int
    true_successes: int
    predicted_successes: int
    mean_difference: float
    matrices: dict[str, np.ndarray] = field(repr=False)

    @property
    def share(self) -> float:
        """The share of steps with equal rewards."""
        return self.same_reward / max(self.steps, 1)

    def as_dict(self) -> dict[str, float | int | str]:
        """Return what a JSON file holds of it."""
        numbers = {name: value for name, value in vars(self).items() if name != "matrices"}
        return {**numbers, "share": self.share}


def reward_agreement(
    env: gymnasium.Env,
    classifiers: Mapping[str, SlotClassifier],
    reward: CableReward,
    seeds: Iterable[int],
    policy: str,
) -> Agreement:
    """Roll out episodes with a policy and compare the rewards at every step.

    Args:
        env: a cell whose ``info`` has the true states.
        classifiers: one per slot.
        reward: eq. 7 with a task's values.
        seeds: seeds of the episodes.
        policy: one of POLICIES.

    Raises:
        ValueError: the policy is unknown, or the environment has no expert.
    """
    make = _policy(env, policy)
    layout = env.unwrapped.frame_layout  # type: ignore[attr-defined]
    reader = SlotStateReader(classifiers, layout.cameras)
    episodes = steps = same = same_states = true_successes = predicted_successes = 0
    difference = 0.0
    pairs: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for seed in seeds:
        observation, info = env.reset(seed=seed)
        behaviour = make(np.random.default_rng(seed))
        episodes += 1
        over, predicted_success = False, False
        while not over:
            observation, _, terminated, truncated, info = env.step(behaviour())
            pixels = observation["image"] if isinstance(observation, dict) else observation
            predicted = reader.read(layout.newest_frames(np.asarray(pixels)))
            true = (int(info["slot_1"]), int(info["slot_2"]))
            rewards = [sum(reward.terms(*states).values()) for states in (true, predicted)]
            over = terminated or truncated
            steps += 1
            same += rewards[0] == rewards[1]
            same_states += true == predicted
            pairs.append((true, predicted))
            difference += abs(rewards[0] - rewards[1])
            predicted_success = reward.is_success(*predicted)
        true_successes += bool(info.get("success", False))
        predicted_successes += predicted_success
    counted = np.array(pairs)  # (steps, true and predicted, slots)
    return Agreement(
        policy,
        episodes,
        steps,
        same,
        same_states,
        true_successes,
        predicted_successes,
        difference / max(steps, 1),
        {
            camera: confusion_matrix(counted[:, 0, slot], counted[:, 1, slot], len(states))
            for slot, (camera, states) in enumerate(SLOTS.items())
        },
    )


def _policy(env: gymnasium.Env, policy: str) -> Callable[[np.random.Generator], Behaviour]:
    if policy == "random":
        return lambda rng: random_behaviour(env, rng)
    expert = expert_of(env)
    if policy not in POLICIES or expert is None:
        raise ValueError(
            f"policy '{policy}' is unknown; known: random, and where the environment has an "
            "expert_action(): expert, noisy"
        )
    noise = _NOISE if policy == "noisy" else 0.0
    return lambda rng: noisy_expert(expert, rng, noise)
