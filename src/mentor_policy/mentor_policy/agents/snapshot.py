"""Loading tensors that come from elsewhere: all of them fit, or none is touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn


def module_tensors(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return live weights and buffers as ``<network>/<name>``."""
    return {
        f"{network}/{name}": tensor.detach()
        for network, module in networks.items()
        for name, tensor in module.state_dict(keep_vars=True).items()
    }


def check_tensors(own: Mapping[str, Tensor], given: Mapping[str, Tensor], what: str) -> None:
    """Refuse tensors that do not fit.

    Raises:
        ValueError: one is missing, left over, of another shape or type, or not finite; names it.
    """
    for name, tensor in own.items():
        if name not in given:
            raise ValueError(f"{what}: tensor {name} is missing")
        other = given[name]
        if other.shape != tensor.shape or other.dtype != tensor.dtype:
            raise ValueError(
                f"{what}: tensor {name} is {_describe(other)}, this agent has {_describe(tensor)}; "
                "was it made with another configuration or environment?"
            )
        if other.is_floating_point() and not bool(torch.isfinite(other).all()):
            raise ValueError(f"{what}: tensor {name} holds NaN or infinity")
    for name in given:
        if name not in own:
            raise ValueError(f"{what}: tensor {name} is not one of this agent's")


def copy_tensors(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Copy checked values into the live tensors."""
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(given[name])


def typed_value(values: Mapping[str, Any], key: str, kinds: tuple[type, ...], what: str) -> Any:
    """Return ``values[key]``, which must be of one of these types (bool is no int here).

    Raises:
        ValueError: missing or of another type.
    """
    if key not in values:
        raise ValueError(f"{what}: value {key} is missing")
    value = values[key]
    if type(value) not in kinds:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{what}: value {key} is {value!r}, it must be {wanted}")
    return value


def set_generator(generator: Generator, state: Tensor, name: str) -> None:
    """Restore a generator's state.

    Raises:
        ValueError: torch refuses the state.
    """
    try:
        generator.set_state(state.clone())
    except RuntimeError as error:
        raise ValueError(f"tensor {name} is not the state of a generator: {error}") from error


def _describe(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
