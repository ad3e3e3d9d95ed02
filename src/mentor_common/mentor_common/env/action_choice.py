"""What chose an action; the environment publishes it with the action, so that bags have it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class ActionChoice:
    """What an action was sampled around, and by which weights.

    Args:
        mean: the policy's mean action, (action_size,) float32.
        run_id: the run whose weights chose it.
        weights_version: version of these weights.
        weights_sha256: weights sha256 of these weights; empty where it was not computed.
        experts: weight of each expert in the output, (experts,) float32; None: no mixture.
    """

    mean: npt.NDArray[np.float32]
    run_id: str = ""
    weights_version: int = 0
    weights_sha256: str = ""
    experts: npt.NDArray[np.float32] | None = None
