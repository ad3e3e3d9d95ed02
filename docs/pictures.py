"""What the scripts that draw a cell's pictures have in common."""

from __future__ import annotations

from pathlib import Path

import cv2
import gymnasium
import numpy as np

HERE = Path(__file__).parent
CAPTION = 18


def newest(observation: np.ndarray) -> np.ndarray:
    """Return the newest frame of each camera side by side, (84, 84 x cameras, 3)."""
    frames = observation.reshape(-1, 3, 3, 84, 84)[:, 2].transpose(0, 2, 3, 1)
    return np.hstack(list(frames))


def starts(env: gymnasium.Env, count: int = 12, **options: str) -> list[np.ndarray]:
    """Return the newest frames at the starts of the first seeds.

    Args:
        env: environment of a cell.
        count: how many seeds.
        options: options of each reset.
    """
    return [newest(env.reset(seed=seed, options=options)[0]) for seed in range(count)]


def grid(tiles: list[np.ndarray], columns: int = 3) -> np.ndarray:
    """Return pictures of one size in rows."""
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def enlarged(image: np.ndarray, scale: int = 3) -> np.ndarray:
    """Return the picture with every pixel as a square."""
    return np.ascontiguousarray(image.repeat(scale, 0).repeat(scale, 1))


def captioned(image: np.ndarray, text: str) -> np.ndarray:
    """Return the picture under a line of text."""
    line = np.full((CAPTION, image.shape[1], 3), 255, np.uint8)
    cv2.putText(line, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([line, image])


def save(name: str, image: np.ndarray) -> None:
    """Write a PNG into the folder of the documents."""
    cv2.imwrite(str(HERE / name), image[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
