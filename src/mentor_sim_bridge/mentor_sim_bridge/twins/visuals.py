"""Visual randomization: colours, light and camera poses of an episode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np

from mentor_sim_bridge.twins.config_file import Colour, Ends

FRAME = 84
"""Height of a frame of the observation, pixels."""
BUMP, DARKER = 3.0, 0.15
"""Pixels of a frame by which a bumped camera sees everything moved; share of light that is gone."""
TINT = 0.03
"""How far a colour may lie off the line between the configured ones, each of R, G, B."""
SEEN = 2 / 3
"""Share of each range of colour and light from which training samples; the rest is evaluation's."""


@dataclass(frozen=True)
class VisualRanges:
    """What is sampled per episode of colours, light and cameras, as a twin's YAML has it.

    Args:
        colours: the two ends of each material's colour; sampled in this order.
        light_diffuse: range of a light's intensity.
        light_ambient: range of the ambient light.
        light_shift: shift of a light's direction, a unit vector, either way.
        camera_shift: metres along each axis of a camera, either way.
        camera_turn: radians about each axis of a camera, either way.
    """

    colours: Mapping[str, tuple[Colour, Colour]]
    light_diffuse: Ends
    light_ambient: Ends
    light_shift: float
    camera_shift: float
    camera_turn: float


@dataclass(frozen=True)
class Visuals:
    """One sample.

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


def sample_visuals(
    config: VisualRanges, cameras: int, random: np.random.Generator, unseen: bool = False
) -> Visuals:
    """Sample within the configured ranges, uniformly.

    Args:
        config: the ranges.
        cameras: how many there are.
        random: source of the random numbers.
        unseen: sample colours and light from the third of each range that training never sees.
    """
    low, high = (SEEN, 1.0) if unseen else (0.0, SEEN)

    def share() -> float:
        return float(random.uniform(low, high))

    def amount(ends: Ends) -> float:
        return ends[0] + share() * (ends[1] - ends[0])

    def colour(ends: tuple[Colour, Colour]) -> np.ndarray:
        first, last = np.array(ends)
        tint = random.uniform(-TINT, TINT, 3)
        return np.clip(first + share() * (last - first) + tint, 0.0, 1.0)

    return Visuals(
        colours={name: colour(ends) for name, ends in config.colours.items()},
        light_diffuse=amount(config.light_diffuse),
        light_ambient=amount(config.light_ambient),
        light_shift=random.uniform(-config.light_shift, config.light_shift, (2, 3)),
        camera_shift=random.uniform(-config.camera_shift, config.camera_shift, (cameras, 3)),
        camera_turn=random.uniform(-config.camera_turn, config.camera_turn, (cameras, 3)),
    )


class VisualsOfModel:
    """Samples visuals and writes them into a compiled model; nothing of an earlier one remains.

    Args:
        model: the compiled scene.
        ranges: what is sampled from.

    Raises:
        ValueError: a colour belongs to no material of the scene.
    """

    def __init__(self, model: mujoco.MjModel, ranges: VisualRanges) -> None:
        materials = [model.material(number).name for number in range(model.nmat)]
        if unknown := sorted(ranges.colours.keys() - set(materials)):
            raise ValueError(
                f"visual_randomization.colours: the scene has no materials {unknown}; "
                f"known: {', '.join(materials)}"
            )
        self._model, self._ranges = model, ranges
        self._light_dir = model.light_dir.copy()
        self._camera_position = model.cam_pos.copy()
        self._camera_turn = model.cam_quat.copy()

    def randomize(
        self, random: np.random.Generator, unseen: bool = False, bumped: bool = False
    ) -> None:
        """Sample other colours, light and camera poses.

        Args:
            random: source of the random numbers.
            unseen: sample colours and light from the third of each range that training never sees.
            bumped: turn every camera by BUMP pixels, and take DARKER of the light away.
        """
        self.apply(
            sample_visuals(self._ranges, self._model.ncam, random, unseen),
            DARKER if bumped else 0.0,
        )
        if bumped:
            bump_cameras(self._model, FRAME, np.random.default_rng(random.integers(2**63)))

    def apply(self, visuals: Visuals, darker: float = 0.0) -> None:
        """Set colours, light and cameras.

        Args:
            visuals: the sample.
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
