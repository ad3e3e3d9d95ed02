"""A fixed camera of a scene, as MuJoCo's XML has it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def camera_xml(name: str, position: npt.ArrayLike, target: npt.ArrayLike, fovy: float) -> str:
    """Return a camera that looks from one place at another, upright.

    Args:
        name: name of the camera.
        position: (3,) metres.
        target: (3,) metres, in the middle of the image.
        fovy: vertical field of view, degrees.
    """
    place = np.asarray(position, np.float64)
    back = place - np.asarray(target, np.float64)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    up /= np.linalg.norm(up)
    axes = " ".join(f"{value:.6f}" for value in (*right, *up))
    at = " ".join(f"{value:.6f}" for value in place)
    return f'<camera name="{name}" pos="{at}" xyaxes="{axes}" fovy="{fovy}"/>'
