"""A mesh as a row of boxes and cylinders, for descriptions that are read on other machines.

A path of a mesh file in a URDF means nothing on another machine. Primitive shapes do.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

SLICE = 0.03
"""Longest piece of a row, metres."""
ROUND = 1.35
"""Ratio of the sides of the median cross-section above which a mesh becomes boxes."""


@dataclass(frozen=True)
class Shape:
    """A piece of a row.

    Args:
        kind: box or cylinder; the cylinder's axis is z.
        centre: in the frame of the geom, metres.
        turn: quaternion (w, x, y, z) in the frame of the geom.
        size: lengths along x, y and z, metres; a cylinder's x and y are its diameter.
    """

    kind: str
    centre: np.ndarray
    turn: np.ndarray
    size: np.ndarray


def mesh_shapes(model: mujoco.MjModel, mesh: int) -> list[Shape]:
    """Return boxes and cylinders that fill about the space of a convex mesh.

    They lie along its longest principal axis, each as wide as the mesh is in the piece's middle.

    Args:
        model: the compiled model.
        mesh: number of the mesh.
    """
    vertices, faces = _triangles(model, mesh)
    turn = _longest_axis_to_z(vertices)
    frame = np.zeros(9)
    mujoco.mju_quat2Mat(frame, turn)
    points = vertices @ frame.reshape(3, 3)
    low, high = points[:, 2].min(), points[:, 2].max()
    pieces = max(1, int(np.ceil((high - low) / SLICE)))
    length = (high - low) / pieces
    middles = low + length * (np.arange(pieces) + 0.5)
    sections = [_section(points[faces], middle) for middle in middles]
    sides = np.array([np.ptp(section, axis=0) for section in sections])
    is_round = np.median(sides.max(axis=1) / sides.min(axis=1)) <= ROUND
    shapes = []
    for middle, section, (width, depth) in zip(middles, sections, sides, strict=True):
        across = (section.min(axis=0) + section.max(axis=0)) / 2.0
        centre = frame.reshape(3, 3) @ np.array([*across, middle])
        if is_round:
            width = depth = (width + depth) / 2.0
        kind = "cylinder" if is_round else "box"
        shapes.append(Shape(kind, centre, turn, np.array([width, depth, length])))
    return shapes


def _triangles(model: mujoco.MjModel, mesh: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices (N, 3) in the frame of the geom and the faces (M, 3) as their indices."""
    first, number = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    start, faces = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
    vertices = model.mesh_vert[first : first + number].astype(float)
    return vertices, model.mesh_face[start : start + faces]


def _longest_axis_to_z(vertices: np.ndarray) -> np.ndarray:
    """Return the turn whose z is the axis along which the vertices reach farthest."""
    longest = np.eye(3)[int(np.argmax(np.ptp(vertices, axis=0)))]
    turn = np.zeros(4)
    mujoco.mju_quatZ2Vec(turn, longest)
    return turn


def _section(triangles: np.ndarray, height: float) -> np.ndarray:
    """Return where the edges of the triangles (M, 3, 3) cross a height, (K, 2)."""
    begin = triangles.reshape(-1, 3)
    end = np.roll(triangles, -1, axis=1).reshape(-1, 3)
    crosses = (begin[:, 2] <= height) != (end[:, 2] <= height)
    begin, end = begin[crosses], end[crosses]
    share = (height - begin[:, 2]) / (end[:, 2] - begin[:, 2])
    return (begin + share[:, None] * (end - begin))[:, :2]
