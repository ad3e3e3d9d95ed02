"""Contact sheets: frames of episodes side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Policy = Callable[[Any], NDArray[np.float32]]

_LABEL_HEIGHT = 14


def episode_frames(
    env: gym.Env[Any, Any], policy: Policy, seed: int, max_steps: int = 0
) -> tuple[list[Frame], float, bool]:
    """Play an episode.

    Args:
        env: an environment of this package.
        policy: from observation to action.
        seed: seed of the episode.
        max_steps: stop after so many; 0: at the episode's end.

    Returns:
        One frame ``(height, width * cameras, 3)`` RGB per step, the return, the success.
    """
    layout = env.unwrapped.frame_layout  # type: ignore[attr-defined]
    observation, _ = env.reset(seed=seed)
    frames = [_newest(observation, layout)]
    total = 0.0
    success = False
    while True:
        observation, reward, terminated, truncated, info = env.step(policy(observation))
        frames.append(_newest(observation, layout))
        total += float(reward)
        success = bool(info.get("success", False))
        if terminated or truncated or len(frames) - 1 == max_steps:
            return frames, total, success


def _newest(observation: Any, layout: Any) -> Frame:
    image = observation["image"] if isinstance(observation, dict) else observation
    per_camera = layout.frames * 3
    newest = [
        image[(i + 1) * per_camera - 3 : (i + 1) * per_camera].transpose(1, 2, 0)
        for i in range(len(layout.cameras))
    ]
    return np.ascontiguousarray(np.hstack(newest))


def row(label: str, frames: list[Frame], columns: int, scale: int = 1) -> Frame:
    """Return frames spread evenly over an episode, with a label above.

    Args:
        label: text.
        frames: frames of the episode, ``(height, width, 3)`` RGB.
        columns: how many to show.
        scale: by which each is enlarged.
    """
    picked = np.linspace(0, len(frames) - 1, columns).round().astype(int)
    strip = np.hstack([frames[i] for i in picked])
    if scale > 1:
        strip = np.kron(strip, np.ones((scale, scale, 1), np.uint8))
    head = np.full((_LABEL_HEIGHT, strip.shape[1], 3), 255, np.uint8)
    cv2.putText(head, label, (2, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([head, strip])


def sheet(rows: list[Frame], across: int = 1) -> Frame:
    """Return rows below each other, in ``across`` columns, padded with white."""
    while len(rows) % across:
        rows = [*rows, np.full_like(rows[0], 255)]
    per_column = len(rows) // across
    columns = [rows[i * per_column : (i + 1) * per_column] for i in range(across)]
    width = max(r.shape[1] for r in rows)
    padded = [
        np.vstack(
            [
                np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0)), constant_values=255)
                for r in column
            ]
        )
        for column in columns
    ]
    return np.hstack(padded)


def save(picture: Frame, path: Path, colours: int = 0) -> None:
    """Write a PNG.

    Args:
        picture: ``(height, width, 3)`` RGB.
        path: path of the file.
        colours: size of a palette (2 to 256), which makes a smaller file; 0: no palette.

    Raises:
        OSError: it cannot be written.
    """
    from PIL import Image

    image = Image.fromarray(picture)
    if colours:
        image = image.quantize(colours, dither=Image.Dither.NONE)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)
