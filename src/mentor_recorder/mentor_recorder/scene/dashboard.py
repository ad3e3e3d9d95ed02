"""Curves of a training run as a picture, for viewers that have no plots of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

SIZE = (360, 640)
"""Height and width, pixels."""
_INK, _GREY, _BLUE = (40, 40, 40), (200, 205, 212), (50, 110, 200)


def dashboard(state: dict[str, Any], history: dict[str, Any]) -> npt.NDArray[np.uint8]:
    """Return a picture (height, width, 3) RGB with four curves.

    Args:
        state: as :meth:`CellView.state` gives it.
        history: as :meth:`CellView.history` gives it.
    """
    picture = np.full((*SIZE, 3), 255, np.uint8)
    height, width = SIZE[0] // 2, SIZE[1] // 2
    episodes, curves = history["episodes"], history["curves"]
    rewards = [e["reward"] for e in state["episode"]["steps"] if "reward" in e]
    for index, (name, values) in enumerate(
        {
            "reward of the episode": rewards,
            "returns": [episode["return"] for episode in episodes],
            "success": [float(episode["success"]) for episode in episodes],
            "dormant ratio": [point["dormant_ratio"] for point in curves],
        }.items()
    ):
        top, left = (index // 2) * height, (index % 2) * width
        _plot(picture[top : top + height, left : left + width], name, values)
    return picture


def _plot(area: npt.NDArray[np.uint8], name: str, values: Sequence[float | None]) -> None:
    """Draw one curve into a part of the picture."""
    height, width = area.shape[:2]
    known = [value for value in values if value is not None]
    last = f"  {known[-1]:.3g}" if known else "  nothing yet"
    canvas = np.ascontiguousarray(area)
    cv2.putText(canvas, name + last, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    cv2.rectangle(canvas, (8, 26), (width - 8, height - 8), _GREY, 1)
    if len(known) > 1:
        low, high = min(known), max(known)
        x = np.linspace(10, width - 10, len(known))
        y = height - 12 - (np.array(known) - low) / ((high - low) or 1.0) * (height - 44)
        points = np.stack([x, y], axis=1).round().astype(np.int32)
        cv2.polylines(canvas, [points], False, _BLUE, 1, cv2.LINE_AA)
    area[:] = canvas
