"""Outlines of the three pegs and of their sockets, cut into convex pieces for contact.

Every outline is star-shaped: from its centre all of it can be seen. So the peg is a fan of
triangles about the centre, and the wall around its socket a ring of quadrilaterals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
PEGS = ("star", "triangle", "arrow")


def outline(peg: str, yaw: float = 0.0) -> Float64:
    """Return the corners of a peg about its centre, (n, 2) metres, counterclockwise.

    Args:
        peg: star, triangle or arrow.
        yaw: by which it is turned, radians.

    Raises:
        KeyError: the peg is unknown.
    """
    cos, sin = np.cos(yaw), np.sin(yaw)
    return OUTLINES[peg]() @ np.array([[cos, sin], [-sin, cos]])


def _star() -> Float64:
    angles = np.pi / 2 + np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2 == 0, 0.0175, 0.0085)
    return np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])


def _triangle() -> Float64:
    angles = np.pi / 2 + np.arange(3) * 2 * np.pi / 3
    return 0.0175 * np.column_stack([np.cos(angles), np.sin(angles)])


def _arrow() -> Float64:
    right = np.array([[0.006, -0.0165], [0.006, -0.0005], [0.0145, -0.0005]])
    left = right[::-1] * [-1.0, 1.0]
    return np.concatenate([right, [[0.0, 0.0175]], left])


OUTLINES = {"star": _star, "triangle": _triangle, "arrow": _arrow}


def grown(corners: Float64, distance: float) -> Float64:
    """Return an outline whose edges lie farther out.

    Args:
        corners: (n, 2) metres, counterclockwise.
        distance: by which each edge is moved, metres.
    """
    edges = np.roll(corners, -1, axis=0) - corners
    normals = np.column_stack([edges[:, 1], -edges[:, 0]])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    before = np.roll(normals, 1, axis=0)
    bisector = normals + before
    scale = 2.0 / np.sum(bisector * bisector, axis=1, keepdims=True)
    return corners + distance * bisector * scale


def fan(corners: Float64) -> list[Float64]:
    """Return the convex pieces of an outline, each (m, 2) metres, counterclockwise.

    Neighbouring triangles are joined while the piece stays convex.
    """
    centre = np.zeros(2)
    pieces: list[Float64] = []
    for first, second in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        joined = np.vstack([pieces[-1], second]) if pieces else None
        if joined is not None and is_convex(joined):
            pieces[-1] = joined
        else:
            pieces.append(np.array([centre, first, second]))
    return [corners.copy()] if is_convex(corners) else pieces


@dataclass(frozen=True)
class WallPiece:
    """A piece of the wall between a hole and the square around it; metres, counterclockwise.

    Args:
        corners: (4, 2); two corners at the hole, two at the square.
        widened: the same where the hole is widened by its chamfer.
    """

    corners: Float64
    widened: Float64


def ring(corners: Float64, half: float, chamfer: float = 0.0) -> list[WallPiece]:
    """Cut the wall between a hole and the square around it into convex quadrilaterals.

    Args:
        corners: corners of the hole, (n, 2) metres, counterclockwise.
        half: half of the square's side, metres; the hole lies inside.
        chamfer: by which the hole's edges lie farther out where it is widened, metres.
    """
    start = int(np.argmin(np.arctan2(corners[:, 1], corners[:, 0])))
    corners = np.roll(corners, -start, axis=0)
    inner: list[Float64] = []
    widened: list[Float64] = []
    far = grown(corners, chamfer)
    edges = zip(corners, np.roll(corners, -1, axis=0), far, strict=True)
    for first, second, first_far in edges:
        inner.append(first)
        widened.append(first_far)
        along = (second - first) / np.linalg.norm(second - first)
        for diagonal in np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]):
            crossing = _crossing(first, second, diagonal)
            if crossing is not None:
                inner.append(crossing)
                widened.append(crossing + chamfer * np.array([along[1], -along[0]]))
    points = np.array(inner)
    outer = points * (half / np.abs(points).max(axis=1))[:, None]

    def quadrilaterals(hole: Float64) -> list[Float64]:
        following, outer_following = np.roll(hole, -1, axis=0), np.roll(outer, -1, axis=0)
        return [
            np.array(quad) for quad in zip(hole, outer, outer_following, following, strict=True)
        ]

    pairs = zip(quadrilaterals(points), quadrilaterals(np.array(widened)), strict=True)
    return [WallPiece(*pair) for pair in pairs]


def _crossing(first: Float64, second: Float64, ray: Float64) -> Float64 | None:
    """Return where the edge crosses a ray from the centre, strictly between its ends."""
    matrix = np.column_stack([ray, first - second])
    if abs(np.linalg.det(matrix)) < 1e-12:
        return None
    along, share = np.linalg.solve(matrix, first)
    return along * ray if along > 0.0 and 1e-6 < share < 1.0 - 1e-6 else None


def is_convex(corners: Float64) -> bool:
    """Return whether an outline turns left at every corner."""
    edges = np.roll(corners, -1, axis=0) - corners
    following = np.roll(edges, -1, axis=0)
    return bool(np.all(edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0] > -1e-12))


def area(corners: Float64) -> float:
    """Return the area of an outline, square metres."""
    following = np.roll(corners, -1, axis=0)
    return float(0.5 * np.sum(corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]))


def prism(corners: Float64, low: float, high: float, upper: Float64 | None = None) -> Float64:
    """Return the corners of a prism between two heights, (2 n, 3) metres.

    Args:
        corners: (n, 2) metres.
        low, high: its heights.
        upper: corners at its upper end; None: the same, so that it is straight.
    """
    ends = (corners, low), (corners if upper is None else upper, high)
    return np.vstack([np.column_stack([end, np.full(len(end), z)]) for end, z in ends])
