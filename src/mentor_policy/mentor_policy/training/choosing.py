"""Acting in a cell: the action, and beside it what chose it, for whoever records or watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mentor_common.env.action_choice import ActionChoice
from mentor_policy.training.environment import Env, Pixels, State

if TYPE_CHECKING:
    from mentor_policy.agents import Agent


@dataclass(frozen=True)
class WeightsName:
    """What the weights that act are called, in an Action.

    Attributes:
        run_id: the run that they are of.
        version: as in PolicyWeights; -1: the agent's own count of updates.
        sha256: sha256 of the weights; empty where they change with every update.
    """

    run_id: str = ""
    version: int = -1
    sha256: str = ""


UNNAMED = WeightsName()


def choose(
    agent: Agent,
    env: Env,
    pixels: Pixels,
    state: State,
    *,
    step: int,
    evaluate: bool,
    weights: WeightsName,
) -> npt.NDArray[np.float32]:
    """Let an agent act, and pass what chose the action to an environment over topics.

    Args:
        agent: acts.
        env: environment that the action is for.
        pixels: pixels of the observation, ``(C, H, W) uint8``.
        state: state of the observation, ``(S,) float32`` or None.
        step: agent steps of training so far.
        evaluate: as in :meth:`Agent.act_with_mean`.
        weights: what the weights that act are called.

    Returns:
        ``(A,) float32`` in [-1, 1].
    """
    version = int(getattr(agent, "updates", 0)) if weights.version < 0 else weights.version
    action, mean = agent.act_with_mean(pixels, state, step=step, evaluate=evaluate)
    cell: Any = env.unwrapped
    if hasattr(cell, "choice"):
        cell.choice = ActionChoice(
            mean, weights.run_id, version, weights.sha256, experts=agent.expert_usage
        )
    return action
