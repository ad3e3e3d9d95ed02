"""Batches on their way to the device that learns from them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from mentor_policy.agents.batch import Batch


class BatchTransfer:
    """Copies batches to a device in the thread that draws them, beside the update that runs.

    Towards CUDA the copy goes through pinned memory and a stream of its own, and is over when the
    call returns: the update neither waits for it nor finds its batch half copied. On the processor
    a batch is handed on as it is.

    Args:
        device: device of the agent.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.pinned = device.type == "cuda"
        """Whether the memory that batches are copied into is to be pinned."""
        self._stream = torch.cuda.Stream(device) if self.pinned else None

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch on the device."""
        if self._stream is None:
            return batch.to(self._device)
        with torch.cuda.stream(self._stream):
            moved = replace(batch, **_pinned(batch)).to(self._device)
        self._stream.synchronize()
        for tensor in moved.tensors().values():
            tensor.record_stream(torch.cuda.default_stream(self._device))
        return moved


def _pinned(batch: Batch) -> dict[str, Tensor]:
    """Return the tensors in pinned memory; the pixels lie there already."""
    tensors = batch.tensors()
    return {name: t if t.is_pinned() else t.pin_memory() for name, t in tensors.items()}
