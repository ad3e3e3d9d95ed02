"""Adam over named parameters, with gradients checked before any weight changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.autograd.graph import increment_version

from mentor_policy.agents.base import NonFiniteGradientError


class NamedAdam:
    """``torch.optim.Adam`` (fused) whose state is addressed by parameter name.

    Args:
        groups: for each learning rate, parameters by name; names are unique over all groups.
    """

    def __init__(self, groups: list[tuple[float, Mapping[str, nn.Parameter]]]) -> None:
        self.parameters: dict[str, nn.Parameter] = {}
        for _, named in groups:
            self.parameters.update(named)
        self._adam = torch.optim.Adam(
            [{"params": list(named.values()), "lr": rate} for rate, named in groups if named],
            fused=True,
        )
        for parameter in self.parameters.values():
            self._adam.state[parameter] = {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            }

    def step(self, gradients: Mapping[str, Tensor], check: bool = True) -> Tensor:
        """Move every parameter by its gradient.

        Args:
            gradients: by name, all of them.
            check: look for NaN and infinity first.

        Returns:
            The norm over all gradients, 0-d (0 if not checked).

        Raises:
            NonFiniteGradientError: names the first tensor with a bad gradient; nothing has changed.
        """
        names = list(self.parameters)
        norm = torch.zeros(())
        if check:
            norms = torch.stack(torch._foreach_norm([gradients[name] for name in names]))
            norm = norms.norm()
            if not bool(torch.isfinite(norm)):
                for name in names:
                    if not bool(torch.isfinite(gradients[name]).all()):
                        raise NonFiniteGradientError(name)
        for name, parameter in self.parameters.items():
            # The fused step reads memory from front to back, whatever the strides are.
            parameter.grad = torch.empty_like(parameter).copy_(gradients[name])
        self._adam.step()
        # The fused step does not count up versions, by which rounded copies see a change.
        increment_version(list(self.parameters.values()))
        self._adam.zero_grad(set_to_none=True)
        return norm

    def clear(self, names: Iterable[str]) -> None:
        """Forget the moments and the step count of these parameters (after a perturbation)."""
        for name in names:
            for tensor in self._adam.state[self.parameters[name]].values():
                tensor.zero_()

    def state(self) -> dict[str, Tensor]:
        """Live tensors by ``<parameter>/step``, ``/exp_avg`` and ``/exp_avg_sq``."""
        return {
            f"{name}/{key}": tensor
            for name, parameter in self.parameters.items()
            for key, tensor in self._adam.state[parameter].items()
        }
