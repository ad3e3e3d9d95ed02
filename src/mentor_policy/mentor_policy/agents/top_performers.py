"""S_top: the weights of the best training episodes, and the distribution they form.

The algorithm, lines and equations named here are those of the MENTOR paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from mentor_policy.agents.snapshot import check_tensors

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Performer:
    """One entry (theta, R) of S_top. Its weights never change.

    Attributes:
        serial: number of its admission, from 0.
        episode_return: R.
        weights: theta by parameter name.
    """

    serial: int
    episode_return: float
    weights: Weights


class TopPerformers:
    """The set S_top of Alg. 1.

    Args:
        size: most entries it holds, 0 for never any.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.entries: list[Performer] = []
        self._next_serial = 0

    def admit(self, episode_return: float, weights: Mapping[str, Tensor]) -> bool:
        """Admit weights (Alg. 1, lines 4 to 8) if there is room or they beat the worst entry.

        An equal return does not replace; of several worst entries the oldest goes.

        Args:
            episode_return: R of the episode.
            weights: theta, copied if it is admitted.

        Returns:
            Whether they were admitted.

        Raises:
            ValueError: the return is NaN or infinite.
        """
        if not abs(episode_return) < float("inf"):
            raise ValueError(
                f"episode return is {episode_return}; rewards must be finite, see the environment"
            )
        if len(self.entries) >= self.size:
            if not self.entries:
                return False
            worst = min(self.entries, key=lambda entry: (entry.episode_return, entry.serial))
            if episode_return <= worst.episode_return:
                return False
            self.entries.remove(worst)
        copies = {name: tensor.detach().clone() for name, tensor in weights.items()}
        self.entries.append(Performer(self._next_serial, float(episode_return), copies))
        self._next_serial += 1
        return True

    def sample(self, generator: Generator) -> Weights:
        """Sample phi ~ Normal(mean, std) over the entries, each scalar by itself (Alg. 1, line 11).

        Raises:
            RuntimeError: S_top is empty.
        """
        result: Weights = {}
        for name, mean, std in self._distribution():
            noise = torch.empty(mean.shape, dtype=mean.dtype).normal_(generator=generator)
            result[name] = mean.addcmul_(noise.to(mean.device), std)
        return result

    def distribution(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Return mean and standard deviation by parameter name (Alg. 1, line 10).

        The deviation is that of the entries themselves (divided by their number): 0 for one entry.

        Raises:
            RuntimeError: S_top is empty.
        """
        return {name: (mean, std) for name, mean, std in self._distribution()}

    def _distribution(self) -> Any:
        if not self.entries:
            raise RuntimeError("S_top is empty: no training episode has ended yet")
        for name in self.entries[0].weights:
            stack = torch.stack([entry.weights[name] for entry in self.entries])
            yield name, stack.mean(dim=0), stack.std(dim=0, correction=0)

    def tensors(self) -> dict[str, Tensor]:
        """Return the entries' weights as ``top_performers/<serial>/<parameter>``."""
        return {
            f"top_performers/{entry.serial}/{name}": tensor
            for entry in self.entries
            for name, tensor in entry.weights.items()
        }

    def values(self) -> dict[str, Any]:
        """Return what is no tensor: ``{"next": serial, "entries": [[serial, return], ...]}``."""
        entries = [[entry.serial, entry.episode_return] for entry in self.entries]
        return {"next": self._next_serial, "entries": entries}

    def restored(
        self, tensors: Mapping[str, Tensor], values: Any, like: Mapping[str, Tensor]
    ) -> TopPerformers:
        """Return a new set, the one that :meth:`tensors` and :meth:`values` describe.

        Args:
            tensors: those named ``top_performers/...``.
            values: from :meth:`values`.
            like: parameters by name, whose shapes and devices the weights must have and get.

        Raises:
            ValueError: something is missing, left over or of another shape or type.
        """
        result = TopPerformers(self.size)
        try:
            result._next_serial = int(values["next"])
            name = "entries" if "entries" in values else "members"  # their former name
            listed = values[name]
            numbered = [(int(serial), float(value)) for serial, value in listed]
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"S_top: {values!r} does not describe its entries") from error
        serials = [serial for serial, _ in numbered]
        if len(set(serials)) != len(serials) or len(serials) > self.size:
            raise ValueError(f"S_top: entries {serials} do not fit a set of {self.size}")
        own = {
            f"top_performers/{serial}/{name}": tensor
            for serial in serials
            for name, tensor in like.items()
        }
        check_tensors(own, tensors, "S_top")
        for serial, value in numbered:
            prefix = f"top_performers/{serial}/"
            weights = {
                name: tensors[prefix + name].to(one.device, copy=True) for name, one in like.items()
            }
            result.entries.append(Performer(serial, value, weights))
        return result
