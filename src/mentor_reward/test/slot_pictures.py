"""Pictures that stand in for a slot camera's: the state is the place of a bar."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mentor_reward.classifier.slots import states_of
from mentor_reward.dataset.labelled_images import LabelledImage, write_image, write_labels


def slot_picture(camera: str, state: int, rng: np.random.Generator) -> np.ndarray:
    """(3, 84, 84) uint8: a bar whose place tells the state, in random colours."""
    classes = len(states_of(camera))
    frame = np.empty((3, 84, 84), np.float64)
    frame[:] = rng.uniform(20, 110, (3, 1, 1))
    left = 4 + state * 80 // classes
    frame[:, 10:74, left : left + 8] = rng.uniform(150, 240, (3, 1, 1))
    return np.clip(frame + rng.normal(0, 4, frame.shape), 0, 255).astype(np.uint8)


def shown(frame: np.ndarray, classes: int) -> int:
    """The state that the bar of such a picture (3, 84, 84) tells."""
    bright = frame.mean(axis=0)[20:60].mean(axis=0)
    return int(np.convolve(bright, np.ones(8), "valid").argmax() - 3) * classes // 80


def make_dataset(folder: Path, per_class: int, seed: int = 0, groups: int = 12) -> None:
    """A folder of labelled images of both cameras."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    images = []
    for camera in ("slot_1", "slot_2"):
        for state in states_of(camera):
            for index in range(per_class):
                name = f"{camera}/{state.name.lower()}-{index}.png"
                group = f"seed-{seed}-{index % groups}"
                image = LabelledImage(name, camera, int(state), group)
                write_image(folder, image, slot_picture(camera, int(state), rng))
                images.append(image)
    write_labels(folder, images)
