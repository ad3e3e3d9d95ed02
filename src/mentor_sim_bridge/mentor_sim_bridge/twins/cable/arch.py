"""How the cable lies at first: an arch of equal bends between two points."""

from __future__ import annotations

import mujoco
import numpy as np


def arched_cable(segments: int, length: float, post: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return joint quaternions (segments, 4) of a cable that arches upwards from `post` to `end`.

    Args:
        segments: their number.
        length: length of the whole cable, metres.
        post: (3,) metres, where its first joint is; the cable's own x axis points along -y there.
        end: (3,) metres. If the cable is too short for it, it lies straight towards it.
    """
    count, length = segments, length / segments
    chord = end - post
    distance = float(np.linalg.norm(chord))
    low, high = 1e-9, np.pi / count
    for _ in range(60):
        bend = (low + high) / 2
        reach = length * np.sin(count * bend / 2) / np.sin(bend / 2)
        low, high = (bend, high) if reach > distance else (low, bend)
    yaw = np.arctan2(chord[0], -chord[1])
    pitch = -np.arcsin(chord[2] / distance) - bend * (count - 1) / 2
    quaternions = np.tile(_turn((0.0, 1.0, 0.0), bend), (count, 1))
    mujoco.mju_mulQuat(quaternions[0], _turn((0.0, 0.0, 1.0), yaw), _turn((0.0, 1.0, 0.0), pitch))
    return quaternions


def _turn(axis: tuple[float, float, float], angle: float) -> np.ndarray:
    quaternion = np.zeros(4)
    mujoco.mju_axisAngle2Quat(quaternion, np.array(axis), angle)
    return quaternion
