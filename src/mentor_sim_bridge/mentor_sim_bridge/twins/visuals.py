"""Visual randomization: colours, light and camera poses of an episode."""

from __future__ import annotations

from dataclasses import dataclass, fields

import mujoco
import numpy as np

from mentor_sim_bridge.twins.config_file import Colour, Range

SUFFIX = "_colour"
"""Of the configuration's keys that are the two ends of a material's colour."""
BUMP, DARKER = 3.0, 0.15
"""Pixels of a frame by which a bumped camera sees everything moved; share of light that is gone."""
TINT = 0.03
"""How far a colour may lie off the line between the configured ones, each of R, G, B."""
SEEN = 2 / 3
"""Share of each range of colour and light that training draws from; the rest is for evaluation."""


@dataclass(frozen=True)
class VisualRanges:
    """What an episode draws of colours, light and cameras, as a twin's YAML has it.

    A twin derives from it, and adds for each coloured material ``<material>_colour``, the two ends
    of its colour.

    Args:
        light_diffuse: range of a light's intensity.
        light_ambient: range of the ambient light.
        light_shift: shift of a light's direction, a unit vector, either way.
        camera_shift: metres along each axis of a camera, either way.
        camera_turn: radians about each axis of a camera, either way.
    """

    light_diffuse: Range
    light_ambient: Range
    light_shift: float
    camera_shift: float
    camera_turn: float


@dataclass(frozen=True)
class Visuals:
    """One draw.

    Args:
        colours: RGB of each coloured material.
        light_diffuse: share of light.
        light_ambient: share of light.
        light_shift: shift of the directions of both lights, (2, 3).
        camera_shift: shift of each camera, (cameras, 3) metres.
        camera_turn: turn of each camera, (cameras, 3) radians.
    """

    colours: dict[str, np.ndarray]
    light_diffuse: float
    light_ambient: float
    light_shift: np.ndarray
    camera_shift: np.ndarray
    camera_turn: np.ndarray


def draw_visuals(
    config: VisualRanges, cameras: int, random: np.random.Generator, unseen: bool = False
) -> Visuals:
    """Sample within the configured ranges, uniformly.

    Args:
        config: the ranges.
        cameras: how many there are.
        random: source of the random numbers.
        unseen: draw colours and light from the third of each range that training never sees.
    """
    low, high = (SEEN, 1.0) if unseen else (0.0, SEEN)

    def share() -> float:
        return float(random.uniform(low, high))

    def amount(ends: Range) -> float:
        return ends[0] + share() * (ends[1] - ends[0])

    def colour(ends: tuple[Colour, Colour]) -> np.ndarray:
        first, last = np.array(ends)
        tint = random.uniform(-TINT, TINT, 3)
        return np.clip(first + share() * (last - first) + tint, 0.0, 1.0)

    coloured = [field.name for field in fields(config) if field.name.endswith(SUFFIX)]
    return Visuals(
        colours={name.removesuffix(SUFFIX): colour(getattr(config, name)) for name in coloured},
        light_diffuse=amount(config.light_diffuse),
        light_ambient=amount(config.light_ambient),
        light_shift=random.uniform(-config.light_shift, config.light_shift, (2, 3)),
        camera_shift=random.uniform(-config.camera_shift, config.camera_shift, (cameras, 3)),
        camera_turn=random.uniform(-config.camera_turn, config.camera_turn, (cameras, 3)),
    )


class VisualsOfModel:
    """Writes draws into a compiled model; nothing of an earlier draw remains."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._light_dir = model.light_dir.copy()
        self._camera_position = model.cam_pos.copy()
        self._camera_turn = model.cam_quat.copy()

    def apply(self, visuals: Visuals, darker: float = 0.0) -> None:
        """Set colours, light and cameras.

        Args:
            visuals: the draw.
            darker: share of the light that is missing.
        """
        model = self._model
        for name, colour in visuals.colours.items():
            model.mat_rgba[model.material(name).id, :3] = colour
        model.light_diffuse[:] = visuals.light_diffuse * (1.0 - darker)
        model.light_ambient[:] = visuals.light_ambient / 2 * (1.0 - darker)
        model.light_dir[:] = self._light_dir + visuals.light_shift
        model.light_dir[:] /= np.linalg.norm(model.light_dir, axis=1, keepdims=True)
        model.cam_pos[:] = self._camera_position + visuals.camera_shift
        for camera, turn in enumerate(visuals.camera_turn):
            angle = float(np.linalg.norm(turn))
            quaternion = np.array([1.0, 0.0, 0.0, 0.0])
            if angle > 0.0:
                mujoco.mju_axisAngle2Quat(quaternion, turn / angle, angle)
            mujoco.mju_mulQuat(model.cam_quat[camera], self._camera_turn[camera], quaternion)


def bump_cameras(model: mujoco.MjModel, frame: int, random: np.random.Generator) -> None:
    """Turn every camera so that it sees everything BUMP pixels away.

    Args:
        model: model whose cameras are turned.
        frame: height of a frame, pixels.
        random: source of the directions.
    """
    for camera in range(model.ncam):
        angle = np.radians(model.cam_fovy[camera]) * BUMP / frame
        direction = random.uniform(0.0, 2.0 * np.pi)
        quaternion, turned = np.zeros(4), np.zeros(4)
        axis = np.array([np.cos(direction), np.sin(direction), 0.0])
        mujoco.mju_axisAngle2Quat(quaternion, axis, angle)
        mujoco.mju_mulQuat(turned, model.cam_quat[camera], quaternion)
        model.cam_quat[camera] = turned
