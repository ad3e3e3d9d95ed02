"""Dormant ratio of the actor (eq. 3 and 4 of the paper)."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor, nn

from mentor_policy.networks import Actor, Linear, MixtureOfExperts, StackedLinear


def dormant_ratio(actor: Actor, h: Tensor, state: Tensor | None, threshold: float) -> Tensor:
    """Compute beta, the share of neurons whose score is at most tau.

    Counted over the outputs of all linear layers of the actor, before any non-linearity: trunk,
    policy, router and every expert. An expert's expectation runs over all rows of the batch, not
    only over those routed to it, so this computes every row through every expert.

    Args:
        actor: the policy.
        h: ``(B, in_features)`` from the encoder.
        state: ``(B, S)`` or None.
        threshold: tau.

    Returns:
        0-d float64 in [0, 1].
    """
    activities = neuron_activity(actor, h, state)
    dormant = sum(dormant_neurons(activity, threshold) for activity in activities)
    neurons = sum(activity.numel() for activity in activities)
    return torch.as_tensor(dormant, dtype=torch.float64) / neurons


def dormant_neurons(activity: Tensor, threshold: float) -> Tensor:
    """Count tau-dormant neurons (eq. 3), 0-d.

    Args:
        activity: ``(layers, neurons)``, E |linear_i(x)| of each; a silent layer is all dormant.
        threshold: tau.
    """
    return (activity <= threshold * activity.mean(dim=-1, keepdim=True)).sum()


def neuron_activity(actor: Actor, h: Tensor, state: Tensor | None) -> list[Tensor]:
    """Compute E |linear_i(x)| of each linear layer or stack, ``(layers, neurons)``."""
    activities: list[Tensor] = []
    me = threading.get_ident()  # another thread may be acting with the same network

    def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
        if threading.get_ident() != me:
            return
        mean = output.detach().abs().mean(dim=-2, dtype=torch.promote_types(h.dtype, torch.float32))
        activities.append(mean.reshape(-1, mean.shape[-1]))

    def every_expert(module: MixtureOfExperts, inputs: tuple[Tensor]) -> None:
        if threading.get_ident() == me:
            module.every_expert(inputs[0])

    hooks = []
    for module in actor.modules():
        if isinstance(module, (Linear, StackedLinear)):
            hooks.append(module.register_forward_hook(note))
        elif isinstance(module, MixtureOfExperts) and module.is_sparse(h):
            hooks.append(module.register_forward_pre_hook(every_expert))
    try:
        with torch.no_grad():
            actor(h, state)
    finally:
        for hook in hooks:
            hook.remove()
    return activities
