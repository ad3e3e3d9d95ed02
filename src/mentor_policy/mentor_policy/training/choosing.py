"""Acting in a cell: the action, and beside it what chose it, for whoever records or watches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mentor_common.env.action_choice import ActionChoice
from mentor_policy.agents import Agent
from mentor_policy.training.environment import Env, Pixels, State


def choose(
    agent: Agent, env: Env, pixels: Pixels, state: State, *, step: int, evaluate: bool, run: str
) -> npt.NDArray[np.float32]:
    """Have an agent act, and tell an environment over topics what chose the action.

    Args:
        agent: acts.
        env: that the action is for.
        pixels: of the observation, ``(C, H, W) uint8``.
        state: of the observation, ``(S,) float32`` or None.
        step: agent steps of training so far.
        evaluate: True for the mean action, False to explore.
        run: identifies the run whose weights act.

    Returns:
        ``(A,) float32`` in [-1, 1].
    """
    version = int(getattr(agent, "updates", 0))
    action, mean = agent.act_with_mean(pixels, state, step=step, evaluate=evaluate)
    cell: Any = env.unwrapped
    if hasattr(cell, "choice"):
        cell.choice = ActionChoice(mean, run, version, experts=agent.expert_usage)
    return action
