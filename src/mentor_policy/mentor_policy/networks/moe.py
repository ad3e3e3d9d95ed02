"""The mixture of experts of the paper (eq. 1 and 2, Alg. 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mentor_policy.device.cpu.cast import in_type
from mentor_policy.device.cpu.dispatch import sparse_experts
from mentor_policy.networks.layers import Linear, StackedLinear

SPARSE_ON = ("cpu",)
"""Types of devices on which each expert computes only its own rows."""


@dataclass(frozen=True)
class Routing:
    """A router's decisions for B rows and N experts.

    Attributes:
        logits: ``(B, N)``, h(x).
        experts: ``(B, k) int64``, the experts of the k largest logits.
        weights: ``(B, k)``, w(i; x) of eq. 1: the softmax over these k logits only.
    """

    logits: Tensor
    experts: Tensor
    weights: Tensor

    def load_balance_loss(self) -> Tensor:
        """Return sum_i p(i) log p(i), p the batch mean of the full softmax (Alg. 2).

        0-d; from -log N (all experts alike) to 0. Computed from log p, so that an expert whose p is
        too small for a float leaves the gradient finite.
        """
        log_p = torch.log_softmax(self.logits, dim=-1).logsumexp(dim=0)
        log_p = log_p - math.log(self.logits.shape[0])
        return (log_p.exp() * log_p).sum()

    def usage(self) -> Tensor:
        """Return each expert's share in the output, ``(N,)``: the batch mean of w(i; x)."""
        sums = torch.zeros_like(self.logits).scatter_(1, self.experts, self.weights)
        return sums.mean(dim=0)

    def entropy(self) -> Tensor:
        """Return the mean entropy of a row's full softmax in nats, 0-d; at most log N."""
        log_p = torch.log_softmax(self.logits, dim=-1)
        return -(log_p.exp() * log_p).sum(dim=-1).mean()


class Router(nn.Module):
    """h of eq. 1: Linear, ReLU, Linear; the logits in the type of the weights."""

    def __init__(self, in_features: int, hidden: int, experts: int) -> None:
        super().__init__()
        self.first = Linear(in_features, hidden)
        self.last = Linear(hidden, experts)

    def forward(self, x: Tensor) -> Tensor:
        """Return the router's logits: ``(B, in_features) -> (B, N)``."""
        hidden = self.first(x).relu_()
        logits: Tensor = self.last(hidden.to(self.last.weight.dtype))
        return logits


class MixtureOfExperts(nn.Module):
    """N two-layer experts; each row is processed by k of them.

    Args:
        width: numbers in a row, in and out.
        hidden: hidden width of each expert and of the router.
        experts: N.
        top_k: k.

    Raises:
        ValueError: k is not from 1 to N.
    """

    def __init__(self, width: int, hidden: int, experts: int, top_k: int) -> None:
        super().__init__()
        if not 1 <= top_k <= experts:
            raise ValueError(f"top_k is {top_k}; it must be from 1 to experts, which is {experts}")
        self.top_k = top_k
        self.router = Router(width, hidden, experts)
        self.first = StackedLinear(experts, width, hidden)
        self.second = StackedLinear(experts, hidden, width)

    def route(self, x: Tensor) -> Routing:
        """Choose the experts of each row of ``(B, width)`` (eq. 1)."""
        logits = self.router(x)
        values, experts = torch.topk(logits, self.top_k, dim=-1)
        return Routing(logits, experts, torch.softmax(values, dim=-1))

    def forward(self, x: Tensor) -> tuple[Tensor, Routing]:
        """Compute F of eq. 2, ``(B, width) -> (B, width)``.

        On the processor each expert computes only its own rows. Elsewhere sorting rows would need
        their number on the host, so all experts are one batched product over all rows.
        """
        if not self.is_sparse(x):
            return self.dense(x)
        routing = self.route(x)
        y = sparse_experts(
            x,
            routing.experts,
            routing.weights,
            in_type(self.first.weight, x.dtype),
            in_type(self.first.bias, x.dtype),
            in_type(self.second.weight, x.dtype),
            in_type(self.second.bias, x.dtype),
        )
        return y, routing

    @staticmethod
    def is_sparse(x: Tensor) -> bool:
        """Return whether each expert computes only its own rows of ``x``."""
        return x.device.type in SPARSE_ON

    def dense(self, x: Tensor) -> tuple[Tensor, Routing]:
        """Compute it as the paper writes it: every row through every expert, most of it times 0."""
        routing = self.route(x)
        y = self.every_expert(x)
        gate = torch.zeros_like(routing.logits).scatter(1, routing.experts, routing.weights)
        return torch.einsum("bn,nbd->bd", gate.to(y.dtype), y), routing

    def every_expert(self, x: Tensor) -> Tensor:
        """Compute FFN_i(x) for all i: ``(B, width) -> (N, B, width)``."""
        count = self.first.weight.shape[0]
        result: Tensor = self.second(self.first(x.expand(count, -1, -1)).relu_())
        return result
