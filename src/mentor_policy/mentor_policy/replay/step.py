"""A step: one observation and what led to it, as it enters the ring and leaves the step log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mentor_policy.replay.records import SUCCESS, TERMINATED, TRUNCATED, VALID


@dataclass(frozen=True)
class Step:
    """One observation and what led to it.

    Attributes:
        episode: number of the episode; none is used twice in a ring.
        step: step in the episode, 0 for the observation of the reset.
        obs: ``(C, H, W) uint8``.
        action: ``(A,) float32``, the action that led here; None at step 0.
        reward: for the step that led here, unitless; 0 at step 0.
        terminated: the episode ended in a terminal state.
        truncated: the episode was cut off; its value goes on.
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
