"""Sparse dispatch: every expert computes only the rows that the router sent to it.

Rows are laid out as ``(N, capacity, width)``: one block per expert, filled from the top, the rest
zero. The capacity is the largest number of rows that an expert got, rounded up, because the
processor's library compiles a kernel for every new size. Nothing is ever dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_ROUND = 16  # rows; sizes of products are multiples of it
_LARGEST_PADDING = 3.0  # above this many padded rows per real row, experts are computed one by one


@dataclass(frozen=True)
class Plan:
    """Where each of the B x k (row, choice) pairs goes.

    Attributes:
        source: ``(N * capacity,) int64``, row of x in each slot, B (a row of zeros) in empty ones.
        slot: ``(B, k) int64``, slot of each pair.
        sizes: rounded number of rows per expert, 0 for experts without a row.
        together: True to multiply all experts in one batched product.
    """

    source: Tensor
    slot: Tensor
    sizes: tuple[int, ...]
    capacity: int
    together: bool


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
    sizes = tuple(-(-n // _ROUND) * _ROUND for n in per_expert.tolist())
    capacity = max(sizes)
    first_pair = per_expert.cumsum(0) - per_expert
    sorted_experts = chosen[order]
    rank = torch.arange(rows * top_k) - first_pair[sorted_experts]
    slots = sorted_experts * capacity + rank
    source = torch.full((count * capacity,), rows, dtype=torch.int64)
    source[slots] = order // top_k
    slot = torch.empty_like(order)
    slot[order] = slots
    together = count * capacity <= _LARGEST_PADDING * rows * top_k
    return Plan(source, slot.view(rows, top_k), sizes, capacity, together)


def sparse_experts(
    x: Tensor,
    experts: Tensor,
    weights: Tensor,
    weight1: Tensor,
    bias1: Tensor,
    weight2: Tensor,
    bias2: Tensor,
) -> Tensor:
    """sum_i w(i; x) FFN_i(x) over the chosen experts (eq. 2), differentiable.

    Args:
        x: ``(B, D)``, in the type to compute in.
        experts: ``(B, k) int64``.
        weights: ``(B, k)``, w(i; x).
        weight1: ``(N, H, D)``; bias1: ``(N, H)``; weight2: ``(N, D, H)``; bias2: ``(N, D)``.

    Returns:
        ``(B, D)`` in the type of x. Gradients reach everything but ``experts``.
    """
    y = _Experts.apply(x, experts, weights, weight1, bias1, weight2, bias2)
    return cast(Tensor, y)


class _Experts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        experts: Tensor,
        weights: Tensor,
        weight1: Tensor,
        bias1: Tensor,
        weight2: Tensor,
        bias2: Tensor,
    ) -> Tensor:
        layout = plan(experts, weight1.shape[0])
        w1, w2 = weight1.to(x.dtype), weight2.to(x.dtype)
        blocks = _blocks(x, layout)
        hidden = _product(blocks, w1.transpose(1, 2), layout)
        hidden = hidden.add_(bias1.to(x.dtype).unsqueeze(1)).relu_()
        out = _product(hidden, w2.transpose(1, 2), layout)
        out = out.add_(bias2.to(x.dtype).unsqueeze(1))
        picked = out.flatten(0, 1).index_select(0, layout.slot.flatten())
        picked = picked.view(*layout.slot.shape, -1)
        gate = weights.to(x.dtype)
        ctx.layout = layout
        ctx.save_for_backward(blocks, hidden, picked, gate, w1, w2)
        ctx.dtypes = (weights.dtype, weight1.dtype)
        return torch.bmm(gate.unsqueeze(1), picked).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        blocks, hidden, picked, gate, w1, w2 = ctx.saved_tensors
        layout: Plan = ctx.layout
        weights_dtype, master = ctx.dtypes
        grad_gate = torch.bmm(picked, grad.unsqueeze(2)).squeeze(2).to(weights_dtype)
        scale = torch.zeros(layout.source.shape[0], 1, dtype=gate.dtype)
        scale[layout.slot.flatten(), 0] = gate.flatten()
        grad_out = _blocks(grad, layout).mul_(scale.view(len(layout.sizes), layout.capacity, 1))
        grad_w2 = _outer(grad_out, hidden, layout)
        grad_b2 = grad_out.sum(1, dtype=master)
        grad_hidden = _product(grad_out, w2, layout).mul_(hidden > 0)
        grad_w1 = _outer(grad_hidden, blocks, layout)
        grad_b1 = grad_hidden.sum(1, dtype=master)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_blocks = _product(grad_hidden, w1, layout)
            grad_x = grad_blocks.flatten(0, 1).index_select(0, layout.slot.flatten())
            grad_x = grad_x.view(*layout.slot.shape, -1).sum(1)
        return grad_x, None, grad_gate, grad_w1.to(master), grad_b1, grad_w2.to(master), grad_b2


def _blocks(rows: Tensor, layout: Plan) -> Tensor:
    """``(B, D) -> (N, capacity, D)``, empty slots zero."""
    padded = torch.cat([rows, rows.new_zeros(1, rows.shape[1])])
    return padded.index_select(0, layout.source).view(len(layout.sizes), layout.capacity, -1)


def _product(blocks: Tensor, weight: Tensor, layout: Plan) -> Tensor:
    """Each expert's rows times its weight: ``(N, c, D) x (N, D, H) -> (N, c, H)``."""
    if layout.together:
        return torch.bmm(blocks, weight)
    out = blocks.new_zeros(blocks.shape[0], blocks.shape[1], weight.shape[2])
    for i, size in enumerate(layout.sizes):
        if size:
            torch.mm(blocks[i, :size], weight[i], out=out[i, :size])
    return out


def _outer(left: Tensor, right: Tensor, layout: Plan) -> Tensor:
    """Each expert's weight gradient: ``(N, c, H), (N, c, D) -> (N, H, D)``, 0 without a row."""
    if layout.together:
        return torch.bmm(left.transpose(1, 2), right)
    out = left.new_zeros(left.shape[0], left.shape[2], right.shape[2])
    for i, size in enumerate(layout.sizes):
        if size:
            torch.mm(left[i, :size].t(), right[i, :size], out=out[i])
    return out
