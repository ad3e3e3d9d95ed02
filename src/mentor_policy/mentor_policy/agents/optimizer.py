"""Adam over named parameters, with gradients checked before any weight changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import increment_version

from mentor_policy.agents.base import NonFiniteGradientError

_EPSILON = 1e-8
Parameters = Mapping[str, nn.Parameter]


@dataclass(frozen=True)
class Group:
    """Parameters that learn at one rate.

    Attributes:
        parameters: by name.
        rate: learning rate.
        betas: decay of the first and the second moment.
    """

    parameters: Parameters
    rate: float
    betas: tuple[float, float] = (0.9, 0.999)


class NamedAdam:
    """Adam (Kingma and Ba, 2015), one fused step for each group, its state addressed by name.

    On the processor a bad gradient is refused at once. Elsewhere reading it would make the host
    wait for the device: the device remembers it and skips this step and all later ones, until
    :meth:`refuse_bad` is called.

    Args:
        groups: names are unique over all groups.
    """

    def __init__(self, groups: Iterable[Group]) -> None:
        self._groups = [group for group in groups if group.parameters]
        self.parameters = {n: p for group in self._groups for n, p in group.parameters.items()}
        self._state: dict[str, dict[str, Tensor]] = {}
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                self._state[name] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        device = next(iter(self.parameters.values())).device
        self._bad: Tensor | None = None
        if device.type != "cpu":
            self._bad = torch.zeros(len(self.parameters), dtype=torch.bool, device=device)

    def step(self, gradients: Mapping[str, Tensor], check: bool = True) -> Tensor:
        """Move every parameter by its gradient.

        Args:
            gradients: by name, all of them.
            check: check for NaN and infinity first.

        Returns:
            The norm over all gradients, 0-d (0 if not checked).

        Raises:
            NonFiniteGradientError: names the first tensor with a bad gradient; nothing has changed.
        """
        norm, skip = torch.zeros(()), None
        if check:
            norms = torch.stack(torch._foreach_norm([gradients[name] for name in self.parameters]))
            norm = norms.norm()
            if self._bad is None:
                if not bool(torch.isfinite(norm)):
                    self._refuse(~torch.isfinite(norms))
            else:
                self._bad.logical_or_(~torch.isfinite(norms) & ~self._bad.any())
                skip = self._bad.any().to(torch.float32)
        for group in self._groups:
            self._step(group, gradients, skip)
        return norm

    def _step(self, group: Group, gradients: Mapping[str, Tensor], skip: Tensor | None) -> None:
        """Take a step where ``skip``, 0-d, is not 1."""
        names, parameters = list(group.parameters), list(group.parameters.values())
        # The fused step reads memory from front to back, whatever the strides are.
        moves = [
            gradient
            if (gradient := gradients[name]).stride() == parameter.stride()
            else torch.empty_like(parameter).copy_(gradient)
            for name, parameter in group.parameters.items()
        ]
        steps, averages, squares = (
            [self._state[name][key] for name in names] for key in ("step", "exp_avg", "exp_avg_sq")
        )
        torch._foreach_add_(steps, 1)
        # torch.optim.Adam(fused=True) calls this too, but not with found_inf, and not on meta.
        torch._fused_adam_(
            [parameter.detach() for parameter in parameters],
            moves,
            averages,
            squares,
            [],
            steps,
            lr=group.rate,
            beta1=group.betas[0],
            beta2=group.betas[1],
            weight_decay=0.0,
            eps=_EPSILON,
            amsgrad=False,
            maximize=False,
            found_inf=skip,
        )
        # The fused step does not count up versions, by which rounded copies see a change.
        increment_version(parameters)
        if skip is not None:
            torch._foreach_sub_(steps, [skip] * len(steps))

    def refuse_bad(self) -> None:
        """Raise what a step away from the processor could not.

        Raises:
            NonFiniteGradientError: since some step, which was not taken, nothing has changed.
        """
        if self._bad is not None and bool(self._bad.any()):
            self._refuse(self._bad)

    def _refuse(self, bad: Tensor) -> None:
        first = int(bad.to(torch.uint8).argmax())
        raise NonFiniteGradientError(list(self.parameters)[first])

    def clear(self, names: Iterable[str]) -> None:
        """Forget the moments and the step count of these parameters (after a perturbation)."""
        for name in names:
            for tensor in self._state[name].values():
                tensor.zero_()

    def state(self) -> dict[str, Tensor]:
        """Return the live tensors by ``<parameter>/step``, ``/exp_avg`` and ``/exp_avg_sq``."""
        return {
            f"{name}/{key}": tensor
            for name, tensors in self._state.items()
            for key, tensor in tensors.items()
        }
