"""Perturbation of an agent's weights (eq. 5 and Alg. 1, lines 9 to 13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Generator, Tensor, nn

from mentor_policy.networks import StackedLinear, initialise


def perturb_factor(beta: float, rate: float, low: float, high: float) -> float:
    """Compute alpha = clip(1 - mu beta, alpha_min, alpha_max).

    Args:
        beta: dormant ratio.
        rate: mu.
        low: alpha_min.
        high: alpha_max.
    """
    return min(max(1.0 - rate * beta, low), high)


def perturb(weights: Mapping[str, Tensor], phi: Mapping[str, Tensor], alpha: float) -> None:
    """Move theta <- alpha theta + (1 - alpha) phi, in place, for every name in ``weights``."""
    with torch.no_grad():
        for name, theta in weights.items():
            theta.mul_(alpha).add_(phi[name], alpha=1.0 - alpha)


def perturbable(networks: Mapping[str, nn.Module], names: Iterable[str]) -> dict[str, nn.Parameter]:
    """Return weights and biases of linear and convolution layers, as ``<network>/<parameter>``.

    LayerNorm is left out.

    Args:
        networks: all networks of an agent.
        names: which of them; a name that the agent does not have is passed over.
    """
    result: dict[str, nn.Parameter] = {}
    for network in names:
        if network not in networks:
            continue
        for path, layer in networks[network].named_modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d, StackedLinear)):
                for name, parameter in layer.named_parameters(recurse=False):
                    result[f"{network}/{path}.{name}"] = parameter
    return result


def fresh_weights(
    networks: Mapping[str, nn.Module], names: Iterable[str], generator: Generator
) -> dict[str, Tensor]:
    """Draw phi of DrM: a fresh initialisation of the perturbable weights.

    Draws in place and puts the old weights back, so no second set of networks is made.
    """
    weights = perturbable(networks, names)
    kept = {
        network: [p.detach().clone() for p in networks[network].parameters()]
        for network in names
        if network in networks
    }
    for network in kept:
        initialise(networks[network], generator)
    phi = {name: parameter.detach().clone() for name, parameter in weights.items()}
    with torch.no_grad():
        for network, old in kept.items():
            for parameter, value in zip(networks[network].parameters(), old, strict=True):
                parameter.copy_(value)
    return phi
