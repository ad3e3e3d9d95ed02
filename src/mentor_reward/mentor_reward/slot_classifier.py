"""The small CNN that tells from a slot camera's frame where the cable is (App. C.3)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import IntEnum
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from mentor_reward.slots import IMAGE_SIZE, SLOTS, states_of

_WIDTHS = (24, 48, 64, 48)
HIDDEN = 128
"""Features before the logits."""


class SlotNetwork(nn.Module):
    """Four strided 3x3 convolutions and two linear layers: (B, 3, 84, 84) uint8 -> (B, classes).

    About 290,000 parameters; a frame takes two to three milliseconds on one core.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in _WIDTHS:
            layers += [
                nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            channels = width
        side = -(-IMAGE_SIZE // 2 ** len(_WIDTHS))
        layers += [nn.Flatten(), nn.Linear(channels * side * side, HIDDEN), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(HIDDEN, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (B, classes) of frames (B, 3, 84, 84), uint8 or float in 0..255."""
        return self.head(self.embed(images))

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Features (B, HIDDEN) from which the logits are made."""
        return self.features(images.float() / 127.5 - 1.0)


class SlotClassifier:
    """A trained network with the names of its classes.

    Args:
        camera: the slot camera it was trained for.
        network: the network; is set to evaluation mode.
    """

    def __init__(self, camera: str, network: SlotNetwork) -> None:
        self.camera = camera
        self.states = states_of(camera)
        self.network = network.eval()

    @classmethod
    def load(cls, camera: str, path: str | Path | None = None) -> SlotClassifier:
        """Reads weights; without a path the ones that come with this package.

        Raises:
            FileNotFoundError: there are no such weights.
            ValueError: the file holds weights of another slot or another network.
        """
        states = states_of(camera)
        source = Path(path) if path else Path(str(files(__package__) / "weights"))
        file = source / f"{camera}.safetensors" if source.is_dir() else source
        if not file.is_file():
            raise FileNotFoundError(
                f"slot classifier: no weights of '{camera}' at {file}; train them with "
                "'python -m mentor_reward train' or give the folder that holds them"
            )
        network = SlotNetwork(len(states))
        try:
            with safe_open(str(file), framework="pt") as opened:
                meta = opened.metadata() or {}
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"slot classifier: {file} is no safetensors file: {error}") from error
        names = json.loads(meta.get("classes", "[]"))
        if meta.get("camera") != camera or names != [s.name for s in states]:
            raise ValueError(
                f"slot classifier: {file} holds classes {names} of camera '{meta.get('camera')}', "
                f"wanted are {[s.name for s in states]} of '{camera}'"
            )
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            raise ValueError(f"slot classifier: {file} fits another network: {error}") from error
        return cls(camera, network)

    def save(self, path: str | Path, **notes: str) -> None:
        """Writes the weights with camera, classes and ``notes`` as metadata, by renaming.

        Numbers are written in half precision: no more is needed, and it halves the file.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        meta = {
            "camera": self.camera,
            "classes": json.dumps([s.name for s in self.states]),
            **notes,
        }
        tensors = {
            name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
            for name, tensor in self.network.state_dict().items()
        }
        save_file(tensors, str(part), metadata=meta)
        part.chmod(0o644)
        part.replace(path)

    @torch.inference_mode()
    def logits(self, frames: np.ndarray) -> np.ndarray:
        """Logits (B, classes) float32 of frames (B, 3, 84, 84) uint8, planes R, G, B."""
        return self.network(torch.from_numpy(np.ascontiguousarray(frames))).numpy()

    def classify(self, frame: np.ndarray) -> IntEnum:
        """State seen in one frame (3, 84, 84) uint8, planes R, G, B."""
        return self.states(int(self.logits(frame[None])[0].argmax()))


def load_classifiers(
    folder: str | Path | None = None, cameras: Sequence[str] = tuple(SLOTS)
) -> dict[str, SlotClassifier]:
    """The classifiers of all slots, from a folder or from this package."""
    return {camera: SlotClassifier.load(camera, folder) for camera in cameras}
