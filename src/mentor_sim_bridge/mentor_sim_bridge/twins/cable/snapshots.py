"""`mentor/cable_routing_moments-v0`: the cable cell for those who collect slot images."""

from __future__ import annotations

from typing import Any

import numpy as np

from mentor_common.messages.images import resize
from mentor_sim_bridge.twins.arm.panda_simulator import PACE
from mentor_sim_bridge.twins.cable.config import CableConfig
from mentor_sim_bridge.twins.cable.env import CableRoutingEnv

LOOKS_STREAM = 2
"""Sets the looks of an episode apart from what else its seed draws."""


class CableMomentsEnv(CableRoutingEnv):
    """The physics of `mentor/cable_routing-v0` for the same seeds and actions; other pictures.

    ``info["moments"]`` holds moments of the last motion at equal distances, the last at its end:
    the truth as in ``info["midpoint"]``, and ``frames``, camera -> (3, 84, 84) uint8 of all
    cameras. Each moment has colours and light of its own, so that a classifier learns where the
    cable is from as many looks as there are images. Observations are black: nothing is rendered
    that nobody keeps.

    Args:
        config: of the cell; default is the twin's YAML.
        max_steps: of an episode.
        moments: of a motion.
        silhouettes: each moment also holds ``silhouettes``, camera -> (84, 84) uint8: how much of
            each pixel the cable covers, 255 is all of it.
    """

    def __init__(
        self,
        config: CableConfig | None = None,
        max_steps: int | None = None,
        moments: int = 5,
        silhouettes: bool = False,
    ) -> None:
        super().__init__(config, max_steps, images="blank")
        timestep = self.simulator.config.motion.timestep
        self._paces = round(self.period / timestep) // PACE
        if not 1 <= moments <= self._paces:
            raise ValueError(f"moments is {moments}, must be from 1 to {self._paces}")
        self._per_motion = moments
        self._silhouettes = silhouettes
        self._random_looks = np.random.default_rng()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins an episode; no motion, no moments."""
        if seed is not None:
            self._random_looks = np.random.default_rng([seed, LOOKS_STREAM])
        observation, info = super().reset(seed=seed, options=options)
        return observation, {**info, "moments": []}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One motion of half a second."""
        moments: list[dict[str, Any]] = []
        passed = 0

        def look() -> None:
            nonlocal passed
            before = passed * self._per_motion // self._paces
            passed += 1
            if passed * self._per_motion // self._paces > before:
                moments.append(self._moment())

        self.watch = look
        try:
            observation, reward, terminated, truncated, info = super().step(action)
        finally:
            self.watch = None
        return observation, reward, terminated, truncated, {**info, "moments": moments}

    def _moment(self) -> dict[str, Any]:
        self.simulator.repaint(self._random_looks)
        height, width = self.frame_layout.height, self.frame_layout.width
        frames = {
            camera: resize(self.simulator.render(camera), height, width).transpose(2, 0, 1)
            for camera in self.simulator.cameras
        }
        moment = {**self.true_values(), "frames": frames}
        if self._silhouettes:
            moment["silhouettes"] = {
                camera: resize(
                    255 * self.simulator.segmentation_mask(camera).astype(np.uint8), height, width
                )
                for camera in self.simulator.cameras
            }
        return moment
