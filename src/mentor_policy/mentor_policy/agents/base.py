"""The contract between an agent and whoever trains or runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mentor_policy.agents.batch import Batch

Pixels = npt.NDArray[np.uint8] | Tensor
Vector = npt.NDArray[np.float32] | Tensor
ActionArray = npt.NDArray[np.float32]


class Agent(ABC):
    """A policy that learns from pixels.

    ``step`` always counts agent steps (actions taken in training, not frames). All randomness comes
    from generators that the agent owns, so two agents made alike and treated alike stay bit-equal.

    Args:
        action_size: A, numbers in an action.
        device: where its weights lie and its updates are computed.
    """

    def __init__(self, action_size: int, device: torch.device | None = None) -> None:
        self.action_size = action_size
        self.device = device or torch.device("cpu")
        self.expert_usage: ActionArray | None = None
        """Weight of each expert in the newest mean action, ``(N,) float32``; None: no mixture."""

    def act(
        self, obs: Pixels, state: Vector | None = None, *, step: int, evaluate: bool
    ) -> ActionArray:
        """Return the action of :meth:`act_with_mean`, ``(A,) float32`` in [-1, 1]."""
        return self.act_with_mean(obs, state, step=step, evaluate=evaluate)[0]

    @abstractmethod
    def act_with_mean(
        self, obs: Pixels, state: Vector | None = None, *, step: int, evaluate: bool
    ) -> tuple[ActionArray, ActionArray]:
        """Choose an action, and return beside it what it was sampled around.

        Args:
            obs: ``(C, H, W) uint8``.
            state: ``(S,) float32`` for environments that have a state vector.
            step: agent steps taken so far; sets the exploration noise.
            evaluate: True for the mean action, False to explore. In evaluations
                ``agent.average_rate`` averages the weights and ``agent.evaluation_stddev`` adds
                noise, from a generator of its own.

        Returns:
            The action and the policy's mean action, each ``(A,) float32`` in [-1, 1]. While actions
            are uniform at the start, the mean is what the untrained policy would have done.

        Raises:
            ValueError: the observation has another shape or type than the agent reads.
        """

    def to_device(self, batch: Batch) -> Batch:
        """Return a batch on the agent's device; from pinned memory without waiting for the copy."""
        return batch.to(self.device)

    @abstractmethod
    def update(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Take one gradient step of every network.

        Returns:
            Statistics by name, 0-d tensors (per-expert ones 1-d); read them only when logging.

        Raises:
            NonFiniteGradientError: a gradient is NaN or infinite; the networks that it would have
                moved are untouched. On a device other than the processor it is raised by
                :meth:`end_episode` or :meth:`state` instead, and no step is taken until then.
        """

    def end_episode(self, episode_return: float, step: int) -> dict[str, float]:
        """Record a finished training episode (Alg. 1 of the paper).

        Args:
            episode_return: undiscounted sum of the episode's rewards.
            step: agent steps taken so far.

        Returns:
            What happened, for the log: empty if nothing did, else such as
            ``{"perturb/alpha": 0.8, "top_performers/entries": 10.0}``.
        """
        return {}

    @property
    def dormant_ratio(self) -> float:
        """Return beta of eq. 4 as last measured: 1.0 before the first time, NaN if it never is."""
        return float("nan")

    def candidate(self, seed: int) -> Agent:
        """Return an agent made of perturbation candidate weights phi, to be evaluated (Fig. 5c).

        Raises:
            RuntimeError: this agent is not perturbed, or S_top is empty.
        """
        raise RuntimeError(f"{type(self).__name__} has no perturbation, so it has no candidates")

    @abstractmethod
    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what bit-identical resumption needs: tensors by name, and JSON-able values.

        The tensors are the live ones: write or copy them before the next update. Tensors named
        ``top_performers/<serial>/...`` never change once they exist.
        """

    @abstractmethod
    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Load what :meth:`state` returned.

        Raises:
            ValueError: a tensor is missing, left over or of another shape or dtype, or a value is
                of another type; the message names it, and the agent is as it was.
        """

    @abstractmethod
    def acting_state(self) -> dict[str, Tensor]:
        """Return the weights of encoder and actor, and their averages: ``policy_weights``."""

    @abstractmethod
    def load_acting_state(self, tensors: dict[str, Tensor]) -> None:
        """Load what :meth:`acting_state` returned; errors as in :meth:`load_state`."""

    def acting_values(self) -> dict[str, Any]:
        """Return the JSON-able numbers that acting depends on besides the weights: the dormancy."""
        return {}

    def load_acting_values(self, values: dict[str, Any]) -> None:  # noqa: B027
        """Load what :meth:`acting_values` returned.

        Raises:
            ValueError: a value is missing or of another type; the agent is as it was.
        """


class NonFiniteGradientError(ArithmeticError):
    """A gradient holds NaN or infinity. ``tensor`` names it."""

    def __init__(self, tensor: str) -> None:
        self.tensor = tensor
        super().__init__(
            f"the gradient of {tensor} is not finite; it moved no weight, and no checkpoint was "
            "written. Look for NaN or huge rewards in the replay, or lower agent.learning_rate"
        )
