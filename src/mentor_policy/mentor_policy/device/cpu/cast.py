"""Weights rounded to the type that a product is computed in, once for each change of them.

Rounding at each use costs more, since an update passes twice through the same actor: on an AMD EPYC
in bfloat16 an update of MENTOR takes 866 ms of one core so, and 822 ms with what is kept here (an
update of DrQ-v2: 746 and 727 ms).
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.weak import WeakIdKeyDictionary

# Weight -> (version of it that was rounded, the rounded copy). Every change in place counts up a
# tensor's version, so a stale copy is never used.
_ROUNDED: Any = WeakIdKeyDictionary()


def in_type(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the weight in another type; gradients arrive in the weight's own.

    Args:
        weight: master weights, a leaf.
        dtype: type of the product; the weight itself is returned if it has that type.
    """
    if weight.dtype == dtype:
        return weight
    if weight.device.type != "cpu":  # a recorded graph must round again at each replay
        return weight.to(dtype)
    return cast(Tensor, _Rounded.apply(weight, dtype))


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.master = weight.dtype
        found = _ROUNDED.get(weight)
        if found is None or found[0] != weight._version or found[1].dtype != dtype:
            found = (weight._version, weight.detach().to(dtype))
            _ROUNDED[weight] = found
        return cast(Tensor, found[1].detach())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad.to(ctx.master), None
