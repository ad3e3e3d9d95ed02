"""Ways of acting that bring all slot states before the cameras, the rare ones too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import gymnasium
import numpy as np

ExpertAction = Callable[[], np.ndarray]
_LINGER = 20  # steps for which a rare state is stayed in


class Behaviour(Protocol):
    """Chooses the action of a step."""

    def __call__(self, wanted: bool = False) -> np.ndarray:
        """Action (A,) float32 in [-1, 1]; ``wanted``: what the cameras show now is still rare."""
        ...


def expert_of(env: gymnasium.Env) -> ExpertAction | None:
    """The scripted expert that an environment offers as ``expert_action()``, if it has one."""
    return getattr(env.unwrapped, "expert_action", None)


def random_behaviour(env: gymnasium.Env, rng: np.random.Generator) -> Behaviour:
    """Uniform actions, as a policy takes them before it has learned anything."""
    size = env.action_space.shape or (1,)
    return lambda wanted=False: rng.uniform(-1.0, 1.0, size).astype(np.float32)


def drifting_behaviour(env: gymnasium.Env, rng: np.random.Generator) -> Behaviour:
    """Random actions that keep their direction for some steps, so that they come far."""
    size = env.action_space.shape or (1,)
    drift = rng.uniform(-1.0, 1.0, size)

    def act(wanted: bool = False) -> np.ndarray:
        nonlocal drift
        if rng.random() < 0.2:
            drift = rng.uniform(-1.0, 1.0, size)
        return np.clip(drift + rng.normal(0.0, 0.3, size), -1.0, 1.0).astype(np.float32)

    return act


def noisy_expert(expert: ExpertAction, rng: np.random.Generator, noise: float) -> Behaviour:
    """The expert with normal noise of standard deviation ``noise`` on its actions."""

    def act(wanted: bool = False) -> np.ndarray:
        action = np.asarray(expert(), np.float32)
        return np.clip(action + rng.normal(0.0, noise, action.shape), -1.0, 1.0).astype(np.float32)

    return act


def lingering_expert(
    expert: ExpertAction, env: gymnasium.Env, rng: np.random.Generator
) -> Behaviour:
    """The expert, which lingers where the states are rare, and now and then goes back or astray.

    So it spends its time in the states that the expert passes through in a single step.
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
    """Behaviour of an episode of the collection; the expert's only where there is one."""
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
