"""How good classifiers are: on images they have never seen, and as a reward in episodes."""

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
    """Result on held-out images of one camera."""

    matrix: np.ndarray  # (classes, classes) counts, rows are the true states
    names: tuple[str, ...]

    @property
    def recalls(self) -> dict[str, float]:
        """Share recognised of each state."""
        return dict(zip(self.names, recall_per_class(self.matrix).tolist(), strict=True))

    @property
    def accuracy(self) -> float:
        """Share recognised of all images."""
        return float(np.diag(self.matrix).sum() / max(self.matrix.sum(), 1))

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the matrix's rows are the true states."""
        return {
            "accuracy": self.accuracy,
            "recognised": self.recalls,
            "matrix": self.matrix.tolist(),
        }


def score_images(
    classifier: SlotClassifier, frames: np.ndarray | PictureFiles, states: np.ndarray
) -> ImageScore:
    """Judges views (N, 3 to 9, 84, 84) uint8 against their states (N,)."""
    names = tuple(state.name for state in classifier.states)
    seen = predict(classifier, frames).argmax(1)
    return ImageScore(confusion_matrix(states, seen, len(names)), names)


@dataclass(frozen=True)
class Agreement:
    """How far the reward from images and the true reward agree over the steps of episodes."""

    policy: str
    episodes: int
    steps: int
    same_reward: int
    same_states: int
    true_successes: int
    seen_successes: int
    mean_difference: float
    matrices: dict[str, np.ndarray] = field(
        repr=False
    )  # camera -> counts, rows are the true states

    @property
    def share(self) -> float:
        """Share of steps on which both rewards are equal."""
        return self.same_reward / max(self.steps, 1)

    def as_dict(self) -> dict[str, float | int | str]:
        """For JSON."""
        told = {name: value for name, value in vars(self).items() if name != "matrices"}
        return {**told, "share": self.share}


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
        seeds: of the episodes.
        policy: one of POLICIES.

    Raises:
        ValueError: the policy is unknown, or the environment has no expert.
    """
    make = _policy(env, policy)
    layout = env.unwrapped.frame_layout  # type: ignore[attr-defined]
    reader = SlotStateReader(classifiers, layout.cameras)
    episodes = steps = same = same_states = true_wins = seen_wins = 0
    difference = 0.0
    pairs: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for seed in seeds:
        observation, info = env.reset(seed=seed)
        behaviour = make(np.random.default_rng(seed))
        episodes += 1
        over, seen_success = False, False
        while not over:
            observation, _, terminated, truncated, info = env.step(behaviour())
            pixels = observation["image"] if isinstance(observation, dict) else observation
            seen = reader.read(layout.newest_frames(np.asarray(pixels)))
            true = (int(info["slot_1"]), int(info["slot_2"]))
            true_reward, seen_reward = (sum(reward.terms(*s).values()) for s in (true, seen))
            over = terminated or truncated
            steps += 1
            same += true_reward == seen_reward
            same_states += true == seen
            pairs.append((true, seen))
            difference += abs(true_reward - seen_reward)
            seen_success = reward.is_success(*seen)
        true_wins += bool(info.get("success", False))
        seen_wins += seen_success
    counted = np.array(pairs)  # (steps, true and seen, slots)
    return Agreement(
        policy,
        episodes,
        steps,
        same,
        same_states,
        true_wins,
        seen_wins,
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
            f"policy '{policy}' is not there: known are random, and expert and noisy where the "
            "environment has an expert_action()"
        )
    noise = _NOISE if policy == "noisy" else 0.0
    return lambda rng: noisy_expert(expert, rng, noise)
