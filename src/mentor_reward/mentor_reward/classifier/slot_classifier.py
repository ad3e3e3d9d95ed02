"""A trained classifier: its file of weights, and its predictions (App. C.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import IntEnum
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from mentor_common.files.atomic import replaced
from mentor_reward.classifier.image_network import ImageNetwork
from mentor_reward.classifier.slot_network import SlotNetwork
from mentor_reward.classifier.slots import SLOTS, VIEWS, states_of, views_of

FeatureCache = dict[tuple[int, str], torch.Tensor]
"""Features (1, 2 * BANDS) of one timestep's frames, by segmenter and camera."""
NETWORKS: dict[str, type[SlotNetwork] | type[ImageNetwork]] = {
    "profile": SlotNetwork,
    "image": ImageNetwork,
}
"""The networks by the name that stands in the weights' metadata."""
_FORMER_NAMES = {"finder.": "segmenter.", "side_finder.": "side_segmenter.", "features.": "trunk."}
"""Prefixes of tensors in files of earlier versions, and what they are called now."""


class SlotClassifier:
    """A trained network with the names of its classes.

    Args:
        camera: the slot camera it was trained for.
        network: the network; is set to evaluation mode.
    """

    def __init__(self, camera: str, network: SlotNetwork | ImageNetwork) -> None:
        self.camera = camera
        self.states = states_of(camera)
        self.views = network.views
        self.network = network.eval()

    @classmethod
    def load(cls, camera: str, path: str | Path | None = None) -> SlotClassifier:
        """Read a file of weights.

        Args:
            camera: the slot camera.
            path: path of the file or its folder; None: the weights that come with this package.

        Raises:
            FileNotFoundError: there is no such file.
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
                tensors = {_renamed(name): opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"slot classifier: {file} is no safetensors file: {error}") from error
        names = json.loads(meta.get("classes", "[]"))
        if meta.get("camera") != camera or names != [s.name for s in states]:
            raise ValueError(
                f"slot classifier: {file} holds classes {names} of camera '{meta.get('camera')}', "
                f"expected {[s.name for s in states]} of '{camera}'"
            )
        try:
            made = NETWORKS[meta.get("network", "profile")]
            parts = {"parts": int(meta.get("parts", "1"))} if made is SlotNetwork else {}
            network = made(len(states), int(meta.get("views", "1")), **parts)
            network.load_state_dict(tensors)
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"slot classifier: {file} fits another network: {error}") from error
        return cls(camera, network)

    def save(self, path: str | Path, **notes: str) -> None:
        """Write the weights in half precision, to a temporary name that is then renamed.

        Args:
            path: path of the file; its folder is made.
            notes: further metadata, besides camera, classes, views and network.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        meta = {
            "camera": self.camera,
            "classes": json.dumps([s.name for s in self.states]),
            "views": str(self.views),
            "network": self.network.kind,
            **({"parts": str(self.network.parts)} if isinstance(self.network, SlotNetwork) else {}),
            **notes,
        }
        tensors = {
            name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
            for name, tensor in self.network.state_dict().items()
        }
        with replaced(path) as temporary:
            save_file(tensors, str(temporary), metadata=meta)
            temporary.chmod(0o644)

    @torch.inference_mode()
    def logits(self, frames: np.ndarray) -> np.ndarray:
        """Compute logits.

        Args:
            frames: views (B, 3 to 9, 84, 84) uint8, planes R, G, B, in the order of VIEWS. Views
                beyond those that this classifier needs are ignored.

        Returns:
            (B, classes) float32.

        Raises:
            ValueError: there are fewer views than this classifier needs.
        """
        planes = 3 * self.views
        if frames.shape[1] < planes:
            raise ValueError(
                f"slot classifier '{self.camera}' needs {self.views} frames of three planes "
                f"(see views_of), got {frames.shape[1]} planes"
            )
        logits: np.ndarray = self.network(
            torch.from_numpy(np.ascontiguousarray(frames[:, :planes]))
        ).numpy()
        return logits

    def classify(self, views: np.ndarray) -> IntEnum:
        """Classify the views (3 to 9, 84, 84) of one timestep, uint8, planes R, G, B."""
        return self.states(int(self.logits(views[None])[0].argmax()))

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras whose frames it classifies."""
        return VIEWS[self.camera][: self.views]

    def classify_frames(self, frames: Mapping[str, np.ndarray], cache: FeatureCache) -> IntEnum:
        """Classify the cameras' frames of one timestep; see :meth:`frame_logits`."""
        return self.states(int(self.frame_logits(frames, cache).argmax()))

    @torch.inference_mode()
    def frame_logits(self, frames: Mapping[str, np.ndarray], cache: FeatureCache) -> np.ndarray:
        """Compute the logits of the cameras' frames of one timestep.

        Args:
            frames: (3, 84, 84) uint8 by camera.
            cache: features of the same frames that another slot's classifier computed with the
                same segmenter; new ones are added, so that no frame is segmented twice.

        Returns:
            (classes,) float32.
        """
        views = views_of(self.camera, {name: frames[name] for name in self.cameras})
        network = self.network
        if isinstance(network, ImageNetwork):
            return self.logits(views[None])[0]
        parts = []
        for index, (name, segmenter) in enumerate(
            zip(self.cameras, network.segmenters, strict=True)
        ):
            key = (id(segmenter), name)
            if key not in cache:
                view = torch.from_numpy(views[None, 3 * index : 3 * index + 3])
                cache[key] = segmenter.extract_features(view)
            parts.append(cache[key])
        logits: np.ndarray = network.classify_features(torch.cat(parts, 1))[0].numpy()
        return logits


def load_classifiers(
    folder: str | Path | None = None, cameras: Sequence[str] = tuple(SLOTS)
) -> dict[str, SlotClassifier]:
    """Load the classifiers of the slots.

    Classifiers with equal segmenters share them, so that ``classify_frames`` segments a frame once.

    Args:
        folder: folder of the weights; None: those that come with this package.
        cameras: the slot cameras.
    """
    classifiers = {camera: SlotClassifier.load(camera, folder) for camera in cameras}
    networks = [classifier.network for classifier in classifiers.values()]
    first, *others = networks
    if not all(isinstance(network, SlotNetwork) for network in networks):
        return classifiers
    for network in others:
        for kind in ("segmenter", "side_segmenter"):
            own, other = getattr(first, kind), getattr(network, kind)
            if own is not None and other is not None and _equal(own, other):
                setattr(network, kind, own)
    return classifiers


def _equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def _renamed(name: str) -> str:
    prefix = name.split(".")[0] + "."
    return _FORMER_NAMES.get(prefix, prefix) + name.removeprefix(prefix)
