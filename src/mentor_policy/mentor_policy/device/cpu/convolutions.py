"""A chain of convolutions, each with a ReLU in the same pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def relu_convolutions(x: Tensor, convs: Sequence[nn.Conv2d], scale: float = 1.0) -> Tensor:
    """Apply each convolution and a ReLU behind it.

    The gradient with respect to ``x`` is never computed: it is pixels.

    Args:
        x: ``(B, C, H, W)`` in the type and memory format to compute in.
        convs: unpadded convolutions, one stride for both axes.
        scale: factor on x, taken into the first weights.

    Returns:
        ``(B, C', H', W')``.
    """
    strides = tuple(int(conv.stride[0]) for conv in convs)
    weights = [tensor for conv in convs for tensor in (conv.weight, cast(Tensor, conv.bias))]
    return cast(Tensor, _ReluConvolutions.apply(x, strides, scale, *weights))


class _ReluConvolutions(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, strides: tuple[int, ...], scale: float, *parameters: Tensor
    ) -> Tensor:
        outputs = [x]
        weights = []
        for i, stride in enumerate(strides):
            weight, bias = parameters[2 * i], parameters[2 * i + 1].to(x.dtype)
            if i == 0:
                weight = weight * scale
            weight = weight.to(x.dtype)
            weights.append(weight)
            outputs.append(_convolution_relu(outputs[-1], weight, bias, stride))
        ctx.save_for_backward(*outputs, *weights)
        ctx.strides, ctx.scale, ctx.dtype = strides, scale, parameters[0].dtype
        return outputs[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        count = len(ctx.strides)
        outputs, weights = ctx.saved_tensors[: count + 1], ctx.saved_tensors[count + 1 :]
        results: list[Tensor] = []
        for i in reversed(range(count)):
            grad = torch.ops.aten.threshold_backward(grad, outputs[i + 1], 0)
            grad, grad_weight, grad_bias = torch.ops.aten.convolution_backward(
                grad,
                outputs[i],
                weights[i],
                [weights[i].shape[0]],
                [ctx.strides[i]] * 2,
                [0, 0],
                [1, 1],
                False,
                [0, 0],
                1,
                [i > 0, True, True],
            )
            grad_weight = grad_weight.to(ctx.dtype)
            if i == 0:
                grad_weight = grad_weight * ctx.scale
            results = [grad_weight, grad_bias.to(ctx.dtype), *results]
        return None, None, None, *results


def _convolution_relu(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    """Compute relu(conv(x)), in one pass where torch's oneDNN and the processor have it."""
    if _FUSED is not None and x.dtype in _FUSED_TYPES:
        result = _FUSED(x, weight, bias, [0, 0], [stride] * 2, [1, 1], 1, "relu", [], "")
        return cast(Tensor, result)
    return F.conv2d(x, weight, bias, stride).relu_()


def _fused() -> Any:
    if not torch.backends.mkldnn.is_available():
        return None
    return getattr(torch.ops.mkldnn, "_convolution_pointwise", None)


def _fused_types() -> set[torch.dtype]:
    """Return the types that the fused convolution takes: bfloat16 needs AVX-512, else it raises."""
    has_bfloat16 = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    return {torch.float32, torch.bfloat16} if has_bfloat16() else {torch.float32}


_FUSED = _fused()
_FUSED_TYPES = _fused_types()
