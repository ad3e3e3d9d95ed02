"""Sparse dispatch: every expert computes only the rows that the router sent to it.

The rows of all experts stand one expert after the other in a packed ``(P, width)``, each expert's
rounded up with rows of zeros, because the processor's library compiles a kernel for every new
size. If experts have about equally many rows, all are rounded up to the largest and multiplied
in one batched product; else one by one. Nothing is ever dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_ROUND = 16  # rows; sizes of products are multiples of it
_LARGEST_PADDING = 2.5  # above this many padded rows per real row, experts are computed one by one


@dataclass(frozen=True)
class Plan:
    """Where each of the B x k (row, choice) pairs goes.

    Attributes:
        source: ``(P,) int64``, row of x in each packed row, B (a row of zeros) in empty ones.
        slot: ``(B, k) int64``, packed row of each pair.
        sizes: packed rows per expert; 0 for experts without a row, unless they go together.
        together: True if all sizes are equal, so that one batched product serves all.
    """

    source: Tensor
    slot: Tensor
    sizes: tuple[int, ...]
    together: bool

    def parts(self) -> list[tuple[int, int, int]]:
        """Return expert, first packed row and row behind the last, of experts that have rows."""
        result, start = [], 0
        for expert, size in enumerate(self.sizes):
            if size:
                result.append((expert, start, start + size))
            start += size
        return result


def plan(experts: Tensor, count: int) -> Plan:
    """Lay out the rows.

    Args:
        experts: ``(B, k) int64``, the experts of each row.
        count: N.
    """
    rows, top_k = experts.shape
    chosen = experts.flatten()
    order = torch.argsort(chosen, stable=True)
    per_expert = torch.bincount(chosen, minlength=count)
    sizes = (per_expert + (_ROUND - 1)) // _ROUND * _ROUND
    capacity = int(sizes.max())
    together = count * capacity <= _LARGEST_PADDING * rows * top_k
    if together:
        sizes = torch.full_like(sizes, capacity)
    sorted_experts = chosen[order]
    rank = torch.arange(rows * top_k) - (per_expert.cumsum(0) - per_expert)[sorted_experts]
    slots = (sizes.cumsum(0) - sizes)[sorted_experts] + rank
    source = torch.full((int(sizes.sum()),), rows, dtype=torch.int64)
    source[slots] = order // top_k
    slot = torch.empty_like(order)
    slot[order] = slots
    return Plan(source, slot.view(rows, top_k), tuple(sizes.tolist()), together)


def sparse_experts(
    x: Tensor,
    experts: Tensor,
    weights: Tensor,
    weight1: Tensor,
    bias1: Tensor,
    weight2: Tensor,
    bias2: Tensor,
) -> Tensor:
    """Compute sum_i w(i; x) FFN_i(x) over the chosen experts (eq. 2), differentiable.

    Args:
        x: ``(B, D)``, in the type to compute in.
        experts: ``(B, k) int64``.
        weights: ``(B, k)``, w(i; x).
        weight1: ``(N, H, D)``; bias1: ``(N, H)``; weight2: ``(N, D, H)``; bias2: ``(N, D)``, all
            in the type of x.

    Returns:
        ``(B, D)`` in the type of x. Gradients reach everything but ``experts``.
    """
    y = _Experts.apply(x, experts, weights, weight1, bias1, weight2, bias2)
    return cast(Tensor, y)


class _Experts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        x, experts, weights, weight1, bias1, weight2, bias2 = inputs
        layout = plan(experts, weight1.shape[0])
        packed = _pack(x, layout)
        hidden = _product(packed, weight1.transpose(1, 2), layout, bias1).relu_()
        out = _product(hidden, weight2.transpose(1, 2), layout, bias2)
        picked = _unpack(out, layout)
        gate = weights.to(x.dtype)
        ctx.layout = layout
        ctx.save_for_backward(packed, hidden, picked, gate, weight1, weight2)
        ctx.gate_dtype = weights.dtype
        return torch.bmm(gate.unsqueeze(1), picked).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        packed, hidden, picked, gate, w1, w2 = ctx.saved_tensors
        layout: Plan = ctx.layout
        grad_gate = torch.bmm(picked, grad.unsqueeze(2)).squeeze(2).to(ctx.gate_dtype)
        scale = torch.zeros(layout.source.shape[0], 1, dtype=gate.dtype)
        scale[layout.slot.flatten(), 0] = gate.flatten()
        grad_out = _pack(grad, layout).mul_(scale)
        grad_w2, grad_b2 = _outer(grad_out, hidden, layout)
        grad_hidden = torch.ops.aten.threshold_backward(_product(grad_out, w2, layout), hidden, 0)
        grad_w1, grad_b1 = _outer(grad_hidden, packed, layout)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = _unpack(_product(grad_hidden, w1, layout), layout).sum(1)
        return grad_x, None, grad_gate, grad_w1, grad_b1, grad_w2, grad_b2


def _pack(rows: Tensor, layout: Plan) -> Tensor:
    """Pack ``(B, D) -> (P, D)``, empty packed rows zero."""
    padded = torch.cat([rows, rows.new_zeros(1, rows.shape[1])])
    return padded.index_select(0, layout.source)


def _unpack(packed: Tensor, layout: Plan) -> Tensor:
    """Unpack ``(P, D) -> (B, k, D)``."""
    return packed.index_select(0, layout.slot.flatten()).view(*layout.slot.shape, -1)


def _product(packed: Tensor, weight: Tensor, layout: Plan, bias: Tensor | None = None) -> Tensor:
    """Multiply each expert's rows by its weight, add its bias: ``(P, D) x (N, D, H) -> (P, H)``."""
    if layout.together:
        blocks = packed.view(len(layout.sizes), -1, packed.shape[1])
        if bias is None:
            return torch.bmm(blocks, weight).flatten(0, 1)
        return torch.baddbmm(bias.unsqueeze(1), blocks, weight).flatten(0, 1)
    out = packed.new_empty(packed.shape[0], weight.shape[2])
    for i, begin, end in layout.parts():
        if bias is None:
            torch.mm(packed[begin:end], weight[i], out=out[begin:end])
        else:
            torch.addmm(bias[i], packed[begin:end], weight[i], out=out[begin:end])
    return out


def _outer(left: Tensor, right: Tensor, layout: Plan) -> tuple[Tensor, Tensor]:
    """Return gradients of all weights ``(N, H, D)`` and biases ``(N, H)``; 0 without rows."""
    count = len(layout.sizes)
    if layout.together:
        blocks = left.view(count, -1, left.shape[1])
        weight = torch.bmm(blocks.transpose(1, 2), right.view(count, -1, right.shape[1]))
        return weight, blocks.sum(1)
    weight = left.new_empty(count, left.shape[1], right.shape[1])
    bias = left.new_zeros(count, left.shape[1])
    for i, begin, end in layout.parts():
        torch.mm(left[begin:end].t(), right[begin:end], out=weight[i])
        bias[i] = left[begin:end].sum(0)
    for i, size in enumerate(layout.sizes):
        if not size:
            weight[i].zero_()
    return weight, bias
