"""Poses between the task's workspace and the robot's base."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mentor_common.cell.cell_file import Placement

Float64 = npt.NDArray[np.float64]


def transform(placement: Placement) -> Float64:
    """Return a placement as a homogeneous matrix, (4, 4)."""
    roll, pitch, yaw = placement.rotation
    matrix = np.eye(4)
    matrix[:3, :3] = _about_z(yaw) @ _about_y(pitch) @ _about_x(roll)
    matrix[:3, 3] = placement.translation
    return matrix


def inverse(matrix: Float64) -> Float64:
    """Return the inverse of a rigid transform, (4, 4)."""
    result = np.eye(4)
    result[:3, :3] = matrix[:3, :3].T
    result[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return result


def commanded(pose: Float64) -> Float64:
    """Return a commanded pose (x, y, z, r), gripper pointing down, as a matrix (4, 4)."""
    cos, sin = math.cos(pose[3]), math.sin(pose[3])
    matrix = np.eye(4)
    matrix[:3, :3] = [[cos, sin, 0.0], [sin, -cos, 0.0], [0.0, 0.0, -1.0]]
    matrix[:3, 3] = pose[:3]
    return matrix


def quaternion(rotation: Float64) -> Float64:
    """Return a rotation (3, 3) as a unit quaternion (x, y, z, w)."""
    w = math.sqrt(max(0.0, 1.0 + rotation[0, 0] + rotation[1, 1] + rotation[2, 2])) / 2.0
    if w > 0.1:
        x = (rotation[2, 1] - rotation[1, 2]) / (4.0 * w)
        y = (rotation[0, 2] - rotation[2, 0]) / (4.0 * w)
        z = (rotation[1, 0] - rotation[0, 1]) / (4.0 * w)
    else:  # half a turn, as of a gripper that points down: the axis from the diagonal
        first = int(np.argmax(np.diagonal(rotation)))
        second, third = (first + 1) % 3, (first + 2) % 3
        diagonal = np.diagonal(rotation)
        main = math.sqrt(max(0.0, 1.0 + diagonal[first] - diagonal[second] - diagonal[third])) / 2.0
        vector = np.zeros(3)
        vector[first] = main
        vector[second] = (rotation[second, first] + rotation[first, second]) / (4.0 * main)
        vector[third] = (rotation[third, first] + rotation[first, third]) / (4.0 * main)
        x, y, z = vector
        w = (rotation[third, second] - rotation[second, third]) / (4.0 * main)
    result = np.array([x, y, z, w])
    return np.asarray(result / np.linalg.norm(result))


def matrix_of(position: npt.ArrayLike, xyzw: npt.ArrayLike) -> Float64:
    """Return a pose, metres and a unit quaternion (x, y, z, w), as a matrix (4, 4)."""
    x, y, z, w = (float(value) for value in np.asarray(xyzw, np.float64))
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = position
    return matrix


def _about_x(angle: float) -> Float64:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])


def _about_y(angle: float) -> Float64:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])


def _about_z(angle: float) -> Float64:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
