"""A step: one observation and what led to it, as it enters the ring and leaves the step log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mentor_policy.replay.header import ReplayError, RingHeader
from mentor_policy.replay.records import SUCCESS, TERMINATED, TRUNCATED, VALID


@dataclass(frozen=True)
class Step:
    """Observation o(k) of step k, and what led to it: action a(k - 1) and its reward.

    Attributes:
        episode: number of the episode; none is used twice in a ring.
        step: step in the episode, 0 for the observation of the reset.
        obs: ``(C, H, W) uint8``.
        action: ``(A,) float32``, the action taken at step - 1, which led here; None at step 0.
        reward: for the step that led here, unitless; 0 at step 0.
        terminated: the episode ended in a terminal state.
        truncated: the episode was cut off; its value continues.
        valid: False if nothing may be learned from the transition that led here.
        success: the episode's success as it stands.
        state: ``(S,) float32``, or None where there is no state vector.
    """

    episode: int
    step: int
    obs: npt.NDArray[np.uint8]
    action: npt.NDArray[np.float32] | None = None
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    valid: bool = True
    success: bool = False
    state: npt.NDArray[np.float32] | None = None

    @property
    def flags(self) -> int:
        """The booleans as a record holds them."""
        return (
            TERMINATED * self.terminated
            | TRUNCATED * self.truncated
            | VALID * self.valid
            | SUCCESS * self.success
        )


def refuse_unfit(step: Step, obs: npt.NDArray[np.uint8], header: RingHeader) -> None:
    """Refuse a step that a ring cannot hold.

    Args:
        step: to be stored.
        obs: its observation.
        header: header of the ring.

    Raises:
        ReplayError: names what does not fit.
    """
    where = f"replay: episode {step.episode}, step {step.step}: "
    if obs.shape != header.layout.shape or obs.dtype != np.uint8:
        raise ReplayError(
            f"{where}observation is {obs.shape} {obs.dtype}, "
            f"the ring holds {header.layout.shape} uint8"
        )
    if (step.action is None) != (step.step == 0):
        raise ReplayError(f"{where}every step but step 0 has the action that led to it")
    if step.action is not None and step.action.shape != (header.action_size,):
        raise ReplayError(
            f"{where}action has shape {step.action.shape}, the ring ({header.action_size},)"
        )
    size = 0 if step.state is None else step.state.size
    if size != header.state_size:
        raise ReplayError(f"{where}state has size {size}, the ring {header.state_size}")
