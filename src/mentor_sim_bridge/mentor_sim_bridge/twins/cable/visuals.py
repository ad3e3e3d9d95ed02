"""What differs from episode to episode: looks, light, friction and the cable's stiffness."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from mentor_sim_bridge.twins.cable.config import Colour, RandomisationConfig

COLOURED = ("cable", "slot_1", "slot_2", "table")
TINT = 0.03
"""How far a colour may lie off the line between the configured ones, each of R, G, B."""


@dataclass(frozen=True)
class EpisodeDraw:
    """One draw: Pa, a friction coefficient, RGB, shares of light, shift of light directions."""

    bend_modulus: float
    friction: float
    colours: dict[str, np.ndarray]
    light_diffuse: float
    light_ambient: float
    light_shift: np.ndarray


def draw_episode(config: RandomisationConfig, random: np.random.Generator) -> EpisodeDraw:
    """Draws within the configured ranges, uniformly."""
    return EpisodeDraw(
        bend_modulus=random.uniform(*config.bend_modulus),
        friction=random.uniform(*config.friction),
        colours={name: _between(getattr(config, f"{name}_colour"), random) for name in COLOURED},
        light_diffuse=random.uniform(*config.light_diffuse),
        light_ambient=random.uniform(*config.light_ambient),
        light_shift=random.uniform(-config.light_shift, config.light_shift, (2, 3)),
    )


def _between(ends: tuple[Colour, Colour], random: np.random.Generator) -> np.ndarray:
    """A colour on the line between two, and a little off it."""
    first, last = np.array(ends)
    mixed = first + random.uniform() * (last - first)
    return np.clip(mixed + random.uniform(-TINT, TINT, 3), 0.0, 1.0)


class CableLooks:
    """Writes draws into a compiled model; nothing of an earlier draw remains."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._light_dir = model.light_dir.copy()
        self._rubbing = np.flatnonzero((model.geom_contype | model.geom_conaffinity) != 0)

    def apply(self, draw: EpisodeDraw) -> None:
        """Only data made after this call holds the cable's new stiffness."""
        self.paint(draw)
        model = self._model
        model.geom_friction[self._rubbing, 0] = draw.friction
        modulus = f"{draw.bend_modulus:.6e}".encode()
        for start in (0, len(modulus) + 1):
            model.plugin_attr[start : start + len(modulus)] = np.frombuffer(modulus, np.int8)

    def paint(self, draw: EpisodeDraw) -> None:
        """Colours and light only: nothing that moves feels it."""
        model = self._model
        for name, colour in draw.colours.items():
            model.mat_rgba[model.material(name).id, :3] = colour
        model.light_diffuse[:] = draw.light_diffuse
        model.light_ambient[:] = draw.light_ambient / 2
        model.light_dir[:] = self._light_dir + draw.light_shift
        model.light_dir[:] /= np.linalg.norm(model.light_dir, axis=1, keepdims=True)
