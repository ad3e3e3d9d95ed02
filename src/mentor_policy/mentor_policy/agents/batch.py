"""What an update learns from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """B transitions of n steps, as the replay hands them to :meth:`Agent.update`.

    Attributes:
        obs: ``(B, C, H, W) uint8``, in channels_last memory (a permuted view of a contiguous
            ``(B, H, W, C)`` tensor); any other layout gives the same numbers, slower.
        next_obs: ``(B, C, H, W) uint8``, the observation n steps later (fewer at an episode's end).
        action: ``(B, A) float32`` in [-1, 1], the action taken at ``obs``.
        reward: ``(B, 1) float32``, the discounted sum of the n rewards.
        discount: ``(B, 1) float32``, gamma^m for the m steps summed, 0 where the episode
            terminated; a truncation keeps gamma^m (it bootstraps).
        actions: ``(B, n, A) float32``, the n actions from ``obs`` on; rows past an episode's end
            are zero. Only TACO reads them; None where the replay was not asked for them.
        actions_mask: ``(B, n) bool``, True where ``actions`` holds a real action.
        state: ``(B, S) float32``, the state vector beside the pixels, or None.
        next_state: ``(B, S) float32``, the same at ``next_obs``, or None.
    """

    obs: Tensor
    next_obs: Tensor
    action: Tensor
    reward: Tensor
    discount: Tensor
    actions: Tensor | None = None
    actions_mask: Tensor | None = None
    state: Tensor | None = None
    next_state: Tensor | None = None

    @property
    def size(self) -> int:
        """Number of transitions, B."""
        return self.action.shape[0]

    def tensors(self) -> dict[str, Tensor]:
        """Return what the batch holds by attribute."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device, copied there without waiting where it is in pinned memory.

        Memory layouts stay; a batch that is there already is returned as it is.
        """
        moved = {
            name: tensor.to(device, non_blocking=True)
            for name, tensor in self.tensors().items()
            if tensor.device != device
        }
        return replace(self, **moved) if moved else self
