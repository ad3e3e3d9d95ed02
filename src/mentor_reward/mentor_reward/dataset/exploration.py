"""Behaviours that reach all slot states, the rare ones too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import gymnasium
import numpy as np

ExpertAction = Callable[[], np.ndarray]
_LINGER = 20  # most steps that an episode stays in a rare state


class Behaviour(Protocol):
    """Chooses the action of a step."""

    def __call__(self, wanted: bool = False) -> np.ndarray:
        """Return an action (A,) float32 in [-1, 1]; ``wanted``: the present states are rare."""
        ...


def expert_of(env: gymnasium.Env) -> ExpertAction | None:
    """Return an environment's scripted expert, its ``expert_action``; None if it has none."""
    return getattr(env.unwrapped, "expert_action", None)


def random_behaviour(env: gymnasium.Env, rng: np.random.Generator) -> Behaviour:
    """Return uniform actions."""
    size = env.action_space.shape or (1,)
    return lambda wanted=False: rng.uniform(-1.0, 1.0, size).astype(np.float32)


def drifting_behaviour(env: gymnasium.Env, rng: np.random.Generator) -> Behaviour:
    """Return random actions that keep their direction for some steps, and so move far."""
    size = env.action_space.shape or (1,)
    drift = rng.uniform(-1.0, 1.0, size)

    def act(wanted: bool = False) -> np.ndarray:
        nonlocal drift
        if rng.random() < 0.2:
            drift = rng.uniform(-1.0, 1.0, size)
        return np.clip(drift + rng.normal(0.0, 0.3, size), -1.0, 1.0).astype(np.float32)

    return act


def noisy_expert(expert: ExpertAction, rng: np.random.Generator, noise: float) -> Behaviour:
    """Return the expert's actions plus normal noise.

    Args:
        expert: chooses the action.
        rng: source of the noise.
        noise: its standard deviation.
    """

    def act(wanted: bool = False) -> np.ndarray:
        action = np.asarray(expert(), np.float32)
        return np.clip(action + rng.normal(0.0, noise, action.shape), -1.0, 1.0).astype(np.float32)

    return act


def lingering_expert(
    expert: ExpertAction, env: gymnasium.Env, rng: np.random.Generator
) -> Behaviour:
    """Return the expert's actions, but slow down in rare states, and sometimes go back or astray.

    The expert alone passes through the rare states in a single step.

    Args:
        expert: chooses the action.
        env: environment whose actions have the expert's size.
        rng: source of the random choices.
    """
    size = env.action_space.shape or (1,)
    lingered, mode, left = 0, "expert", 0

    def act(wanted: bool = False) -> np.ndarray:
        nonlocal lingered, mode, left
        action = np.asarray(expert(), np.float64)
        if wanted and lingered < _LINGER and rng.random() < 0.85:
            lingered += 1
            if rng.random() < 0.5:
                action = rng.normal(0.0, 0.2, size)
            else:
                action = action * rng.uniform(-0.3, 0.4)
            return np.clip(action, -1.0, 1.0).astype(np.float32)
        lingered = max(0, lingered - 2)
        if left == 0:
            mode = str(rng.choice(["expert", "back", "astray"], p=[0.75, 0.1, 0.15]))
            left = int(rng.integers(2, 7))
        left -= 1
        if mode == "astray":
            action = rng.uniform(-1.0, 1.0, size)
        elif mode == "back":
            action = -action * rng.uniform(0.3, 1.0)
        return np.clip(action + rng.normal(0.0, 0.1, size), -1.0, 1.0).astype(np.float32)

    return act


def choose_behaviour(env: gymnasium.Env, rng: np.random.Generator) -> Behaviour:
    """Choose the behaviour of an episode at random; the expert's where there is an expert."""
    expert, kind = expert_of(env), rng.random()
    if expert is None:
        return (random_behaviour if kind < 0.5 else drifting_behaviour)(env, rng)
    if kind < 0.1:
        return random_behaviour(env, rng)
    if kind < 0.2:
        return drifting_behaviour(env, rng)
    if kind < 0.3:
        return noisy_expert(expert, rng, float(rng.uniform(0.05, 0.7)))
    return lingering_expert(expert, env, rng)
