"""Markers of a cell: the workspace window, where the arm is and was sent, terms and experts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from mentor_common.tasks.workspace import Workspace

GREEN, RED, ORANGE, INK = (0.2, 0.6, 0.3), (0.8, 0.2, 0.2), (0.9, 0.55, 0.1), (0.1, 0.1, 0.1)


def scene(workspace: Workspace, state: dict[str, Any], target: Any | None) -> MarkerArray:
    """Return the markers of a cell.

    Args:
        workspace: workspace of the task; its frame is that of the markers.
        state: as :meth:`CellView.state` gives it.
        target: the commanded pose, or None.
    """
    markers = [_window(workspace, state["arm"].get("window_offset") or None)]
    if target is not None:
        p = target.pose.position
        markers.append(_ball(1, (p.x, p.y, p.z), RED))
    tip = state["arm"].get("tip")
    if tip:
        markers.append(_ball(2, tip, GREEN))
    steps = state["episode"]["steps"]
    rewarded: dict[str, Any] = next((entry for entry in reversed(steps) if "terms" in entry), {})
    corner = workspace.xyzr([1.0] * len(workspace.axes))
    lines = [f"{name} {value:g}" for name, value in rewarded.get("terms", {}).items()]
    states = rewarded.get("states", {})
    lines += [f"seen: {name} {value:.3g}" for name, value in states.items() if value is not None]
    text = "\n".join(lines) or "no reward yet"
    markers.append(_text(3, (corner[0], corner[1], corner[2] + 0.08), text))
    experts: list[float] = next(
        (entry["experts"] for entry in reversed(steps) if "experts" in entry), []
    )
    markers.append(_bars(4, (corner[0] + 0.1, corner[1], corner[2]), experts))
    for marker in markers:
        marker.header.frame_id = workspace.frame
        marker.ns = "mentor"
        marker.pose.orientation.w = 1.0
    return MarkerArray(markers=markers)


def _window(workspace: Workspace, offset: Sequence[float] | None) -> Marker:
    """Return the edges of the box within which actions are clipped."""
    axes = len(workspace.axes)
    moved = np.zeros(axes) if offset is None else np.asarray(offset, np.float64)
    low = workspace.xyzr(np.full(axes, -1.0) + moved)
    high = workspace.xyzr(np.full(axes, 1.0) + moved)
    corners = [[(low, high)[n >> axis & 1][axis] for axis in range(3)] for n in range(8)]
    marker = Marker(id=0, type=Marker.LINE_LIST, action=Marker.ADD, color=_colour(GREEN))
    marker.scale.x = 0.003
    for one in range(8):
        for bit in (1, 2, 4):
            if not one & bit:
                marker.points += [_point(corners[one]), _point(corners[one | bit])]
    return marker


def _ball(number: int, place: Sequence[float], colour: tuple[float, float, float]) -> Marker:
    marker = Marker(id=number, type=Marker.SPHERE, action=Marker.ADD, color=_colour(colour))
    marker.pose.position = _point(place)
    marker.scale.x = marker.scale.y = marker.scale.z = 0.02
    return marker


def _text(number: int, place: Sequence[float], text: str) -> Marker:
    marker = Marker(id=number, type=Marker.TEXT_VIEW_FACING, action=Marker.ADD, text=text)
    marker.pose.position = _point(place)
    marker.scale.z = 0.025
    marker.color = _colour(INK)
    return marker


def _bars(number: int, place: Sequence[float], weights: Sequence[float]) -> Marker:
    """Return a bar for each expert, as boxes side by side; invisible where there is none."""
    marker = Marker(id=number, type=Marker.TRIANGLE_LIST, action=Marker.ADD)
    marker.scale.x = marker.scale.y = marker.scale.z = 1.0
    marker.color = _colour(ORANGE)
    for index, weight in enumerate(weights):
        x, z = place[0] + 0.012 * index, place[2]
        a, b = [x, place[1], z], [x + 0.01, place[1], z]
        c, d = [x + 0.01, place[1], z + 0.2 * weight], [x, place[1], z + 0.2 * weight]
        for corner in (a, b, c, a, c, d, a, c, b, a, d, c):  # seen from both sides
            marker.points.append(_point(corner))
    if not weights:
        marker.action = Marker.DELETE
    return marker


def _point(place: Sequence[float]) -> Point:
    return Point(x=float(place[0]), y=float(place[1]), z=float(place[2]))


def _colour(rgb: tuple[float, float, float]) -> ColorRGBA:
    return ColorRGBA(r=rgb[0], g=rgb[1], b=rgb[2], a=1.0)
