"""Ways of acting that bring all slot states before the cameras, the rare ones too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import gymnasium
import numpy as np

ExpertAction = Callable[[], np.ndarray]


class Behaviour(Protocol):
    """Chooses the action of a step."""

    def __call__(self, step: int) -> np.ndarray:
        """Action (A,) float32 in [-1, 1] for a step counted from the reset."""
        ...


def expert_of(env: gymnasium.Env) -> ExpertAction | None:
    """The scripted expert that an environment offers as ``expert_action()``, if it has one."""
    return getattr(env.unwrapped, "expert_action", None)


def random_behaviour(env: gymnasium.Env, rng: np.random.Generator) -> Behaviour:
    """Uniform actions, as a policy takes them before it has learned anything."""
    size = env.action_space.shape or (1,)
    return lambda step: rng.uniform(-1.0, 1.0, size).astype(np.float32)


def drifting_behaviour(env: gymnasium.Env, rng: np.random.Generator) -> Behaviour:
    """Random actions that keep their direction for some steps, so that they come far."""
    size = env.action_space.shape or (1,)
    drift = rng.uniform(-1.0, 1.0, size)

    def act(step: int) -> np.ndarray:
        nonlocal drift
        if rng.random() < 0.2:
            drift = rng.uniform(-1.0, 1.0, size)
        return np.clip(drift + rng.normal(0.0, 0.3, size), -1.0, 1.0).astype(np.float32)

    return act


def noisy_expert(expert: ExpertAction, rng: np.random.Generator, noise: float) -> Behaviour:
    """The expert with normal noise of standard deviation ``noise`` on its actions."""

    def act(step: int) -> np.ndarray:
        action = np.asarray(expert(), np.float32)
        return np.clip(action + rng.normal(0.0, noise, action.shape), -1.0, 1.0).astype(np.float32)

    return act


def lapsing_expert(expert: ExpertAction, env: gymnasium.Env, rng: np.random.Generator) -> Behaviour:
    """The expert, which again and again loses its way for some steps or lingers where it is."""
    size = env.action_space.shape or (1,)
    mode, until = "expert", int(rng.integers(2, 12))

    def act(step: int) -> np.ndarray:
        nonlocal mode, until
        if step >= until:
            mode = str(rng.choice(["expert", "expert", "random", "linger"]))
            until = step + int(rng.integers(1, 8))
        action = np.asarray(expert(), np.float32)
        if mode == "random":
            action = rng.uniform(-1.0, 1.0, size)
        elif mode == "linger":
            action = rng.normal(0.0, 0.25, size)
        else:
            action = action + rng.normal(0.0, 0.1, size)
        return np.clip(action, -1.0, 1.0).astype(np.float32)

    return act


def choose_behaviour(env: gymnasium.Env, rng: np.random.Generator) -> tuple[str, Behaviour]:
    """Name and behaviour of an episode of the collection; experts only where there is one."""
    expert = expert_of(env)
    kinds = ["random", "drifting"] if expert is None else ["random", "drifting", "noisy", "lapsing"]
    shares = [0.5, 0.5] if expert is None else [0.1, 0.15, 0.3, 0.45]
    kind = str(rng.choice(kinds, p=shares))
    if kind == "random" or expert is None:
        return kind, (random_behaviour if kind == "random" else drifting_behaviour)(env, rng)
    if kind == "drifting":
        return kind, drifting_behaviour(env, rng)
    if kind == "noisy":
        return kind, noisy_expert(expert, rng, float(rng.uniform(0.05, 0.7)))
    return kind, lapsing_expert(expert, env, rng)
