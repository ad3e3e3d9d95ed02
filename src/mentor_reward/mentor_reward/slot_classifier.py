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

BANDS = 28
"""Horizontal bands of a frame, in each of which the cable is located."""
HIDDEN = 384
"""Features before the logits."""
_FINDER = (12, 8)
_FEW = 0.3  # pixels of cable below which a row does not tell where it is


class CableFinder(nn.Module):
    """Tells of every pixel how much of it the cable covers: two 3x3 convolutions and one 1x1."""

    def __init__(self) -> None:
        super().__init__()
        first, second = _FINDER
        self.layers = nn.Sequential(
            nn.Conv2d(3, first, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(second, 1, 1),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (B, 84, 84) of the covered share, of frames (B, 3, 84, 84) float in 0..255."""
        return self.layers(images / 127.5 - 1.0)[:, 0]


class SlotNetwork(nn.Module):
    """Finds the cable in each view, measures it, and tells the state from the measures.

    In every band of rows it measures how many pixels wide the cable is and where its middle lies.
    Position and width, which tells the distance, come out to a tenth of a pixel, as the borders of
    the states need; convolutions that halve the map at once get nowhere near. About 350,000
    parameters; a frame takes a few milliseconds on one core.

    Args:
        classes: states told apart.
        views: frames looked at, of three planes each.
    """

    def __init__(self, classes: int, views: int = 1) -> None:
        super().__init__()
        self.classes, self.views = classes, views
        self.finder = CableFinder()
        size = views * BANDS * 2
        self.scale = nn.BatchNorm1d(size, affine=False)
        self.features = nn.Sequential(
            nn.Linear(size, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
        )
        self.head = nn.Linear(HIDDEN, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (B, classes) of views (B, 3 views, 84, 84), uint8 or float in 0..255."""
        return self.head(self.embed(self.measure(images)))

    def measure(self, images: torch.Tensor) -> torch.Tensor:
        """Width and middle of the cable, pixels: (B, views * 2 * BANDS) of (B, 3 views, 84, 84)."""
        frames = images.float().reshape(-1, 3, IMAGE_SIZE, IMAGE_SIZE)
        share = self.finder(frames.contiguous(memory_format=torch.channels_last)).sigmoid()
        share = share.reshape(-1, BANDS, IMAGE_SIZE // BANDS, IMAGE_SIZE)
        place = torch.arange(IMAGE_SIZE, device=share.device) - (IMAGE_SIZE - 1) / 2
        width = share.sum(-1)
        middle = (share * place).sum(-1) / (width + _FEW)
        return torch.cat([width.mean(-1), middle.mean(-1)], 1).reshape(len(images), -1)

    def embed(self, measures: torch.Tensor) -> torch.Tensor:
        """Features (B, HIDDEN) of measures, from which the logits are made."""
        return self.features(self.scale(measures))


class SlotClassifier:
    """A trained network with the names of its classes.

    Args:
        camera: the slot camera it was trained for.
        network: the network; is set to evaluation mode.
    """

    def __init__(self, camera: str, network: SlotNetwork) -> None:
        self.camera = camera
        self.states = states_of(camera)
        self.views = network.views
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
            network = SlotNetwork(len(states), int(meta.get("views", "1")))
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
            "views": str(self.views),
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
        """Logits (B, classes) float32 of views (B, 3 or 6, 84, 84) uint8, planes R, G, B.

        The camera's own frame comes first; a classifier of one view looks at nothing else.

        Raises:
            ValueError: there are fewer views than this classifier needs.
        """
        planes = 3 * self.views
        if frames.shape[1] < planes:
            raise ValueError(
                f"slot classifier '{self.camera}' looks at {self.views} frames of three planes "
                f"(see views_of), got {frames.shape[1]} planes"
            )
        return self.network(torch.from_numpy(np.ascontiguousarray(frames[:, :planes]))).numpy()

    def classify(self, views: np.ndarray) -> IntEnum:
        """State seen in the views (3 or 6, 84, 84) of one moment, uint8, planes R, G, B."""
        return self.states(int(self.logits(views[None])[0].argmax()))


def load_classifiers(
    folder: str | Path | None = None, cameras: Sequence[str] = tuple(SLOTS)
) -> dict[str, SlotClassifier]:
    """The classifiers of all slots, from a folder or from this package."""
    return {camera: SlotClassifier.load(camera, folder) for camera in cameras}
