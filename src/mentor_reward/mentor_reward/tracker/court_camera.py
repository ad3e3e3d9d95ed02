"""A court camera: from four marked points to its pose, and from a pixel to a place on the court.

Places in an image are shares of its width and height, from the upper left corner, so that they hold
at every resolution of the same view.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mentor_common.files.json_file import write_json
from mentor_common.tasks.golf_court import Court

Float64 = npt.NDArray[np.float64]
FILE = "court_cameras.json"
OWN_FILE = Path(__file__).with_name(FILE)
"""Calibration of the twin's cameras."""
CORNERS = ("low x, low y", "high x, low y", "high x, high y", "low x, high y")
"""The marked points: the inner corners of the court's border, at the height of the felt."""
WORST = 0.01
"""Share of the image by which a marked point may lie off where the pose puts it. At 0.02, a field
of view that is off by 15 degrees moves the ball by up to 36 mm."""
SOLVERS = (cv2.SOLVEPNP_IPPE, cv2.SOLVEPNP_ITERATIVE)
"""Solvers of OpenCV in the order in which they are tried: the first fails for some cameras that
stand exactly at the middle of a side and look along the court's axis."""


@dataclass(frozen=True)
class Marks:
    """What a person marks for a camera.

    Args:
        field_of_view: vertical angle of the image that is used, degrees.
        points: where the image shows CORNERS, shares of width and height.
    """

    field_of_view: float
    points: tuple[tuple[float, float], ...]


class CourtCamera:
    """A calibrated camera.

    Args:
        marks: marks of the camera.
        court: court whose corners are marked.
        name: name of the camera, for errors.

    Raises:
        ValueError: the points are no view of the court.
    """

    def __init__(self, marks: Marks, court: Court, name: str = "court camera") -> None:
        if not 5.0 <= marks.field_of_view <= 150.0:
            raise ValueError(f"{name}: field of view {marks.field_of_view:g}; allowed: 5 to 150")
        points = np.array(marks.points, np.float64)
        if points.shape != (4, 2) or not np.isfinite(points).all():
            raise ValueError(f"{name}: marked points {points.tolist()}; allowed: four of (u, v)")
        self._focal = 0.5 / math.tan(math.radians(marks.field_of_view) / 2.0)
        self._matrix = np.array([[self._focal, 0.0, 0.5], [0.0, self._focal, 0.5], [0, 0, 1.0]])
        corners = court_corners(court)
        for solver in SOLVERS:
            self._turn, self._shift = self._pose(corners, points, solver)
            self.residual = float(np.abs(self.to_image(corners) - points).max())
            """Greatest share of the image by which a marked point lies off the pose."""
            if self.residual <= WORST:
                break
        if not math.isfinite(self.residual):
            raise ValueError(_no_pose(name, points))
        if not self.residual <= WORST:
            raise ValueError(
                f"{name}: the marked points lie up to {self.residual:.3f} of the image off any view"
                f" of the court; mark its corners in the order {'; '.join(CORNERS)}, and check the "
                "field of view"
            )
        if self.place[2] <= 0.0:
            raise ValueError(f"{name}: it would stand below the court; mark the corners in order")

    def _pose(self, corners: Float64, points: Float64, solver: int) -> tuple[Float64, Float64]:
        """Return rotation (3, 3) and translation (3,) m into the camera's frame; NaN: none found.

        Args:
            corners: CORNERS, (4, 3) metres.
            points: where the image shows them, (4, 2) shares.
            solver: one of SOLVERS.
        """
        try:
            _, turn, shift = cv2.solvePnP(corners, points, self._matrix, np.zeros(4), flags=solver)
            rotation = np.asarray(cv2.Rodrigues(turn)[0], np.float64)
        except cv2.error:
            return np.full((3, 3), np.nan), np.full(3, np.nan)
        return rotation, np.asarray(shift, np.float64).ravel()

    @property
    def place(self) -> Float64:
        """Return where the camera stands, (3,) metres."""
        return np.asarray(-self._turn.T @ self._shift)

    def to_image(self, points: npt.ArrayLike) -> Float64:
        """Return where the image shows points (..., 3) in metres: shares (..., 2)."""
        seen = np.asarray(points, np.float64) @ self._turn.T + self._shift
        return np.asarray(seen[..., :2] / seen[..., 2:] * self._focal + 0.5)

    def to_court(self, point: npt.ArrayLike, height: float) -> Float64:
        """Return the place (x, y) at a height, metres, that an image shows at shares (u, v).

        Raises:
            ValueError: it shows the sky there.
        """
        u, v = np.asarray(point, np.float64)
        ray = self._turn.T @ np.array([(u - 0.5) / self._focal, (v - 0.5) / self._focal, 1.0])
        place = self.place
        if ray[2] >= -1e-6:
            raise ValueError(f"the image shows no place on the court at ({u:.3f}, {v:.3f})")
        way = (height - place[2]) / ray[2]
        return np.asarray(place[:2] + way * ray[:2])

    def covariance(self, point: npt.ArrayLike, height: float, error: float) -> Float64:
        """Return the covariance (2, 2) of `to_court`, square metres, for an error in the image."""
        at = np.asarray(point, np.float64)
        base, step = self.to_court(at, height), 1e-3
        slope = np.column_stack(
            [(self.to_court(at + d, height) - base) / step for d in (step * np.eye(2))]
        )
        return np.asarray(slope @ slope.T * error**2)

    def size_of(self, place: npt.ArrayLike, diameter: float) -> float:
        """Return how large a thing at (x, y, z) looks, share of the image's height."""
        depth = float((self._turn @ np.asarray(place, np.float64) + self._shift)[2])
        return self._focal * diameter / max(depth, 1e-6)


def _no_pose(name: str, points: Float64) -> str:
    return (
        f"{name}: no camera sees the court's corners at {points.round(4).tolist()} of the image; "
        f"mark four corners in the order {'; '.join(CORNERS)}, and check the field of view"
    )


def court_corners(court: Court) -> Float64:
    """Return CORNERS, (4, 3) metres."""
    (x0, y0), (x1, y1) = court.inside.low, court.inside.high
    return np.array([[x0, y0, 0.0], [x1, y0, 0.0], [x1, y1, 0.0], [x0, y1, 0.0]])


def court_outline(court: Court) -> list[Float64]:
    """Return border, hole and water as closed lines, each (n, 3) metres, on the felt."""
    (x0, y0), (x1, y1) = court.water.low, court.water.high
    water = np.array([[x0, y0, 0.0], [x1, y0, 0.0], [x1, y1, 0.0], [x0, y1, 0.0]])
    angles = np.linspace(0.0, 2.0 * np.pi, 32, endpoint=False)
    rim = court.hole_radius * np.column_stack([np.cos(angles), np.sin(angles), 0.0 * angles])
    return [court_corners(court), water, rim + np.array([*court.hole, 0.0])]


def load_marks(folder: Path | None) -> dict[str, Marks]:
    """Read the marks of all court cameras.

    Args:
        folder: folder that holds FILE; None: the twin's.

    Raises:
        ValueError: there is no such file, or it is refused; names file and key.
    """
    file = OWN_FILE if folder is None else folder / FILE
    try:
        content: Any = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(
            f"calibration {file} cannot be read: {error}; make it with "
            "`python -m mentor_reward calibrate`"
        ) from error
    try:
        return {
            str(name): Marks(
                float(entry["field_of_view"]),
                tuple((float(u), float(v)) for u, v in entry["points"]),
            )
            for name, entry in content.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"calibration {file}: each camera needs field_of_view and four points: {error!r}"
        ) from error


def save_marks(folder: Path, marks: Mapping[str, Marks]) -> None:
    """Write the marks of all court cameras."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, {name: asdict(each) for name, each in marks.items()})
