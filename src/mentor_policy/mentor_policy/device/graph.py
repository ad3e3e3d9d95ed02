"""An update as a CUDA graph: recorded once, then replayed with one call from the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

WARM_UP = 3
"""Updates taken as they are before one is recorded: libraries choose their kernels in them."""
Tensors = dict[str, Tensor]
Update = Callable[[Tensors, bool], Tensors]


class Recorder(Protocol):
    """Records what a function gives the device to do."""

    def warm_up(self, work: Callable[[], Tensors]) -> Tensors:
        """Do the work, as it is to be recorded later."""

    def record(self, work: Callable[[], Tensors]) -> Tensors:
        """Record the work without doing it; the results hold values after a replay."""

    def replay(self) -> None:
        """Do what was recorded."""


class CudaRecorder:
    """Records on the current CUDA device."""

    def __init__(self) -> None:
        self._graph = torch.cuda.CUDAGraph()

    def warm_up(self, work: Callable[[], Tensors]) -> Tensors:
        """See :class:`Recorder`; on a stream of its own, as recording will be."""
        current, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(current)
        with torch.cuda.stream(aside):
            results = work()
        current.wait_stream(aside)
        return results

    def record(self, work: Callable[[], Tensors]) -> Tensors:
        """See :class:`Recorder`."""
        with torch.cuda.graph(self._graph):
            return work()

    def replay(self) -> None:
        """See :class:`Recorder`."""
        self._graph.replay()


@dataclass
class _Recording:
    recorder: Recorder
    inputs: Tensors
    results: Tensors | None = None
    calls: int = 0


class GraphedUpdate:
    """An update that replays what it recorded.

    Whatever the update changes it must change in place. Between two replays nothing but the inputs
    and such tensors may differ, so each value of the flag has a recording of its own, and so has
    each size of a batch.

    Args:
        update: takes tensors by name and a flag, returns statistics by name.
        recorder: makes a recorder for each recording.
    """

    def __init__(self, update: Update, recorder: Callable[[], Recorder] = CudaRecorder) -> None:
        self._update = update
        self._recorder = recorder
        self._recordings: dict[object, _Recording] = {}

    def __call__(self, inputs: Mapping[str, Tensor], flag: bool) -> Tensors:
        """Do one update."""
        key = (flag, *((name, tensor.shape) for name, tensor in inputs.items()))
        found = self._recordings.get(key)
        if found is None:
            copies = {name: torch.empty_like(tensor) for name, tensor in inputs.items()}
            found = self._recordings[key] = _Recording(self._recorder(), copies)
        for name, tensor in inputs.items():
            found.inputs[name].copy_(tensor, non_blocking=True)

        def work() -> Tensors:
            return self._update(found.inputs, flag)

        if found.calls < WARM_UP:
            found.calls += 1
            return found.recorder.warm_up(work)
        if found.results is None:
            found.results = found.recorder.record(work)
        found.recorder.replay()
        return {name: tensor.clone() for name, tensor in found.results.items()}
