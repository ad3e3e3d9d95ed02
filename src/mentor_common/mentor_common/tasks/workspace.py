"""Normalised coordinates of a task's workspace and the metric poses that they stand for (App. C.2).

Every axis runs from -1 to 1 over its metric bounds. Used on the policy's side and again next to
the hardware, so that both limits are the same limits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
AXES = ("x", "y", "z", "r")
"""Translations in metres, and r: the rotation about the vertical axis in radians."""


@dataclass(frozen=True)
class Axis:
    """One axis: ``low`` stands for -1, ``high`` for 1; metres, or radians for r."""

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Delta:
    """An action dimension that moves an axis by action / divisor, in normalised units."""

    axis: str
    divisor: float


@dataclass(frozen=True)
class Workspace:
    """The axes that a task moves, and where the end effector stands on the others.

    Args:
        frame: the frame of the metric poses.
        axes: the axes that are moved, in the order of a normalised position.
        fixed: (x, y, z, r) of the axes that are not moved; metres and radians.
    """

    frame: str
    axes: tuple[Axis, ...]
    fixed: tuple[float, float, float, float]

    @property
    def low(self) -> Float64:
        """Return the metric lower bounds, shape (axes,)."""
        return np.array([axis.low for axis in self.axes])

    @property
    def high(self) -> Float64:
        """Return the metric upper bounds, shape (axes,)."""
        return np.array([axis.high for axis in self.axes])

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the axes, in order."""
        return tuple(axis.name for axis in self.axes)

    def to_metric(self, normalised: npt.ArrayLike) -> Float64:
        """Convert normalised (..., axes) to metres and radians, linear also beyond the bounds."""
        share = (np.asarray(normalised, np.float64) + 1.0) / 2.0
        return np.asarray(self.low + share * (self.high - self.low))

    def to_normalised(self, metric: npt.ArrayLike) -> Float64:
        """Convert metres and radians (..., axes) to normalised, linear also beyond the bounds."""
        values = np.asarray(metric, np.float64)
        return np.asarray((values - self.low) / (self.high - self.low) * 2.0 - 1.0)

    def checked_offset(self, offset: npt.ArrayLike | None) -> Float64:
        """Return the offset of a workspace window, (axes,) normalised; zeros where there is none.

        Raises:
            ValueError: it is not as many finite numbers as there are axes, each within [-2, 2].
        """
        if offset is None or np.size(offset) == 0:
            return np.zeros(len(self.axes))
        values = self._numbers("window offset", offset)
        if np.abs(values).max() > 2.0:
            raise ValueError(f"window offset {values.tolist()} must be within [-2, 2]")
        return values

    def clip(
        self, normalised: npt.ArrayLike, window_offset: npt.ArrayLike | None = None
    ) -> tuple[Float64, bool]:
        """Return the nearest position inside the workspace window.

        Args:
            normalised: shape (axes,).
            window_offset: by which the window lies off [-1, 1], shape (axes,); None: not at all.

        Returns:
            That position, shape (axes,), and whether it is another one.

        Raises:
            ValueError: numbers that are not finite, or of another shape.
        """
        position = self._numbers("position", normalised)
        offset = 0.0 if window_offset is None else self._numbers("window offset", window_offset)
        clipped = np.clip(position, -1.0 + offset, 1.0 + offset)
        return clipped, bool((clipped != position).any())

    def next_target(
        self,
        position: npt.ArrayLike,
        action: npt.ArrayLike,
        dimensions: tuple[Delta | None, ...],
        window_offset: npt.ArrayLike | None = None,
    ) -> tuple[Float64, bool]:
        """Return where an action leads, e.g. (x, z) -> (x + dx / 5, z + dz / 5), clipped.

        Args:
            position: normalised, shape (axes,).
            action: shape (action_size,), each in [-1, 1]; values beyond are clipped first.
            dimensions: what each action dimension moves; None: nothing in this workspace.
            window_offset: window offset of the episode, see :meth:`clip`.

        Returns:
            The target, normalised, shape (axes,), and whether anything was cut back.

        Raises:
            ValueError: numbers that are not finite, or of another shape.
        """
        values = np.asarray(action, np.float64)
        if values.shape != (len(dimensions),) or not np.isfinite(values).all():
            raise ValueError(f"action {values.tolist()} must be {len(dimensions)} finite numbers")
        bounded = np.clip(values, -1.0, 1.0)
        target = np.array(position, np.float64)
        for value, dimension in zip(bounded, dimensions, strict=True):
            if dimension is not None:
                target[self.names.index(dimension.axis)] += value / dimension.divisor
        clipped, cut = self.clip(target, window_offset)
        return clipped, cut or bool((bounded != values).any())

    def _numbers(self, what: str, values: npt.ArrayLike) -> Float64:
        array = np.asarray(values, np.float64)
        if array.shape != (len(self.axes),) or not np.isfinite(array).all():
            raise ValueError(
                f"{what} {array.tolist()} must be {len(self.axes)} finite numbers "
                f"for the axes {self.names}"
            )
        return array

    def pose(self, normalised: npt.ArrayLike) -> tuple[Float64, Float64]:
        """Return the metric pose of a normalised position, in the workspace's frame.

        The gripper points down and is turned by r about the vertical axis.

        Args:
            normalised: shape (axes,); not clipped.

        Returns:
            The position (x, y, z), metres, and the quaternion (x, y, z, w).
        """
        x, y, z, r = (float(value) for value in self.xyzr(normalised))
        # Rz(r) * Rx(pi)
        quaternion = np.array([math.cos(r / 2.0), math.sin(r / 2.0), 0.0, 0.0])
        return np.array([x, y, z]), quaternion

    def position_of(self, xyz: npt.ArrayLike, quaternion: npt.ArrayLike) -> Float64:
        """Return the normalised position of a metric pose, not clipped.

        Args:
            xyz: metres, shape (3,).
            quaternion: x, y, z, w.
        """
        x, y, z = (float(value) for value in np.asarray(xyz, np.float64))
        qx, qy, qz, qw = (float(value) for value in np.asarray(quaternion, np.float64))
        # The gripper's own x axis, seen from above.
        r = math.atan2(2.0 * (qx * qy + qw * qz), 1.0 - 2.0 * (qy * qy + qz * qz))
        values = dict(zip(AXES, (x, y, z, r), strict=True))
        return self.to_normalised([values[name] for name in self.names])

    def xyzr(self, normalised: npt.ArrayLike) -> Float64:
        """Return the metric pose of a normalised position as (x, y, z, r), shape (4,).

        Args:
            normalised: shape (axes,); not clipped.

        Returns:
            Metres, and radians about the vertical axis; axes that the task does not move have
            their fixed values.
        """
        values = dict(zip(AXES, self.fixed, strict=True))
        values.update(zip(self.names, self.to_metric(normalised).tolist(), strict=True))
        return np.array([values[name] for name in AXES])
