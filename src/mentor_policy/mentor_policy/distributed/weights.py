"""The acting weights on their way from the learner to the actors: packed, checked, kept.

What travels is safetensors bytes with a SHA-256, the configuration that they belong to, and the
progress that acting needs (steps taken set the exploration noise). An actor takes over nothing
that it has not checked.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from mentor_common.files.atomic import write_atomically
from mentor_common.files.json_file import parse_json, read_file

if TYPE_CHECKING:  # torch takes seconds to import; nodes that import this start without it
    from torch import Tensor

    from mentor_policy.agents.base import Agent

NAMED = 10
"""Settings that an error names at most."""
LARGEST_FILE = 8 << 30
"""Bytes of kept weights at most."""
LARGEST_STEPS = 2**48
"""No actor has taken so many steps."""
FORMAT = "1"
"""Version of what the bytes mean; counts up when an older actor could not read them."""


class WeightsError(ValueError):
    """Weights that are refused. The message names whose, why, and what to do."""


@dataclass(frozen=True)
class Weights:
    """What a PolicyWeights message holds.

    Attributes:
        run_id: the run whose weights these are.
        version: counts up by one with each publication of a run.
        update: gradient updates behind them.
        config: the agent's configuration as JSON.
        data: safetensors bytes.
        sha256: hexadecimal SHA-256 of ``data``.
    """

    run_id: str
    version: int
    update: int
    config: str
    data: bytes
    sha256: str

    def __str__(self) -> str:
        return f"weights {self.version} of run {self.run_id[:80]} ({self.update} updates)"


@dataclass(frozen=True)
class Unpacked:
    """Checked weights: tensors by name, and the environment steps that the learner had seen."""

    tensors: dict[str, Tensor]
    steps: int
    acting: dict[str, Any]


def pack(
    agent: Agent, config: dict[str, Any], *, run_id: str, version: int, update: int, steps: int
) -> Weights:
    """Return the acting weights of an agent, ready to be published.

    Args:
        agent: agent that has them.
        config: its ``agent`` section as plain values.
        run_id: identifies the run.
        version: version of this publication.
        update: gradient updates done.
        steps: environment steps learned from.
    """
    import torch  # late, see above
    from safetensors.torch import save

    tensors = {
        name: tensor.detach().to("cpu").clone(memory_format=torch.contiguous_format)
        for name, tensor in agent.acting_state().items()
    }
    metadata = {"format": FORMAT, "steps": str(steps), "acting": json.dumps(agent.acting_values())}
    data = save(tensors, metadata)
    digest = hashlib.sha256(data).hexdigest()
    return Weights(run_id, version, update, json.dumps(config, sort_keys=True), data, digest)


def unpack(weights: Weights, config: dict[str, Any], own: dict[str, Tensor]) -> Unpacked:
    """Check weights and read them.

    Args:
        weights: as they arrived.
        config: the ``agent`` section that the actor runs.
        own: the actor's ``acting_state()``, whose names, shapes and types must be met.

    Raises:
        WeightsError: damaged, of another format version or configuration, of other shapes, or not
            finite.
    """
    from safetensors.torch import load  # late, see above

    if hashlib.sha256(weights.data).hexdigest() != weights.sha256:
        raise WeightsError(
            f"{weights} are damaged: {len(weights.data)} bytes do not have the SHA-256 that they "
            "came with. The weights in use stay; the learner's next publication mends it"
        )
    difference = differing(weights.config, config)
    if difference:
        raise WeightsError(
            f"{weights} are of another agent: {difference}. The weights in use stay; start actor "
            "and learner with the same agent, preset and overrides"
        )
    try:
        header_size = int.from_bytes(weights.data[:8], "little")
        header = parse_json(weights.data[8 : 8 + header_size])
        metadata = header.get("__metadata__", {})
        theirs = metadata.get("format", "none")
        if theirs != FORMAT:
            raise WeightsError(
                f"{weights} have format version {theirs}, this actor reads {FORMAT}. The weights "
                "in use stay; install the same release on both machines"
            )
        tensors = load(weights.data)
        _check_shapes(weights, tensors, own)
        acting = parse_json(metadata["acting"])
        steps = int(metadata["steps"])
        _check_acting(acting, steps)
        return Unpacked(tensors, steps, acting)
    except WeightsError:
        raise
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{weights} cannot be read ({error}). The weights in use stay"
        ) from error


def _check_acting(acting: Any, steps: int) -> None:
    """Refuse numbers that acting could not be computed from."""
    if not isinstance(acting, dict) or not 0 <= steps <= LARGEST_STEPS:
        raise ValueError(f"progress is {str(acting)[:80]} at {steps} steps")
    for name, value in acting.items():
        if isinstance(value, (int, float)) and not abs(value) <= LARGEST_STEPS:
            raise ValueError(f"{name} is {value}")


def _check_shapes(weights: Weights, tensors: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    from mentor_policy.agents.snapshot import check_tensors  # late, see above

    try:
        check_tensors(own, tensors, str(weights))
    except ValueError as error:
        raise WeightsError(
            f"{error}. The weights in use stay; is the task (cameras, frames, actions) the same on "
            "both machines?"
        ) from error


def differing(theirs: str, ours: dict[str, Any]) -> str:
    """Return the settings of the agent that differ, as one line; empty if none."""
    try:
        their_config = parse_json(theirs)
    except ValueError as error:
        return f"their configuration is no JSON: {str(error)[:200]}"
    if not isinstance(their_config, dict):
        return "their configuration is no JSON object"
    missing = "not set"
    keys = sorted({*their_config, *ours})
    different = [key for key in keys if their_config.get(key, missing) != ours.get(key, missing)]
    named = [
        f"agent.{key[:80]} is {str(their_config.get(key, missing))[:80]}, "
        f"here {ours.get(key, missing)}"
        for key in different[:NAMED]
    ]
    more = [f"and {len(different) - NAMED} more"] if len(different) > NAMED else []
    return "; ".join([*named, *more])


def keep(weights: Weights, folder: Path) -> None:
    """Write weights to ``folder``, whole or not at all, in place of the last ones.

    Raises:
        OSError: the disk is full or read-only; the last ones stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = json.dumps(
        {
            "run_id": weights.run_id,
            "version": weights.version,
            "update": weights.update,
            "config": weights.config,
            "sha256": weights.sha256,
        }
    ).encode()
    content = len(about).to_bytes(8, "little") + about + weights.data
    write_atomically(folder / "acting_weights", content)


def kept(folder: Path) -> Weights | None:
    """Return the weights that :func:`keep` wrote last; None if there are none.

    Raises:
        WeightsError: the file is damaged.
    """
    path = folder / "acting_weights"
    try:
        content = read_file(path, LARGEST_FILE)
        size = int.from_bytes(content[:8], "little")
        about = parse_json(content[8 : 8 + size])
        return Weights(data=content[8 + size :], **about)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, OSError) as error:
        raise WeightsError(f"{path} is damaged ({error}); delete it to start without") from error
