"""`mentor/cable_routing_snapshots-v0`: the cable cell for those who collect slot images."""

from __future__ import annotations

from typing import Any

import numpy as np

from mentor_common.messages.images import resize
from mentor_sim_bridge.twins.arm.panda_simulator import PACE
from mentor_sim_bridge.twins.cable.config import CableConfig
from mentor_sim_bridge.twins.cable.env import CableRoutingEnv

VISUALS_STREAM = 2
"""Keeps the random numbers of a snapshot's visuals apart from what else an episode's seed draws."""


class CableSnapshotsEnv(CableRoutingEnv):
    """The physics of `CableRoutingEnv` for the same seeds and actions; other pictures.

    `info["snapshots"]` holds snapshots of the last motion at equal distances, the last at its end:
    the true states as in `info["midpoint"]`, and `frames`, camera -> (3, 84, 84) uint8 of all
    cameras. Each snapshot has colours, light and camera poses of its own, so that a classifier is
    trained on as many visuals as there are images. Observations are black: what nobody keeps is
    not rendered.

    Args:
        config: configuration of the cell; default is `cable_routing.yaml`.
        max_steps: most steps of an episode.
        snapshots: snapshots of a motion.
        masks: each snapshot also holds `masks`, camera -> (2, 84, 84) uint8: how much of each pixel
            the cable covers, and how much the slots; 255 is all of it.
        scatter: to each snapshot's cameras, the slots appear at other places of their ranges, so
            that a classifier is trained on as many places as there are images.
        task: cable_routing, or the path of a task file.
        render_mode: see TwinEnv.

    Raises:
        ValueError: there are more snapshots than a motion has control intervals, or none.
    """

    def __init__(
        self,
        config: CableConfig | None = None,
        max_steps: int | None = None,
        snapshots: int = 5,
        masks: bool = False,
        scatter: bool = False,
        task: str = "cable_routing",
        render_mode: str | None = None,
    ) -> None:
        super().__init__(
            config, task=task, max_steps=max_steps, images="blank", render_mode=render_mode
        )
        timestep = self.simulator.config.motion.timestep
        self._paces = round(self.period / timestep) // PACE
        if not 1 <= snapshots <= self._paces:
            raise ValueError(f"snapshots is {snapshots}, must be from 1 to {self._paces}")
        self._per_motion = snapshots
        self._masks = masks
        self._scatter = scatter
        self._random_visuals = np.random.default_rng()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode; no motion, no snapshots."""
        if seed is not None:
            self._random_visuals = np.random.default_rng([seed, VISUALS_STREAM])
        observation, info = super().reset(seed=seed, options=options)
        return observation, {**info, "snapshots": []}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One motion of half a second."""
        snapshots: list[dict[str, Any]] = []
        passed = 0

        def watch() -> None:
            nonlocal passed
            before = passed * self._per_motion // self._paces
            passed += 1
            if passed * self._per_motion // self._paces > before:
                snapshots.append(self._snapshot())

        self.watch = watch
        try:
            observation, reward, terminated, truncated, info = super().step(action)
        finally:
            self.watch = None
        return observation, reward, terminated, truncated, {**info, "snapshots": snapshots}

    def _snapshot(self) -> dict[str, Any]:
        self.simulator.repaint(self._random_visuals)
        if self._scatter:
            self.simulator.scatter_cameras(self._random_visuals)
        height, width = self.frame_layout.height, self.frame_layout.width
        frames = {
            camera: resize(self.simulator.render(camera), height, width).transpose(2, 0, 1)
            for camera in self.simulator.cameras
        }
        snapshot = {**self.true_values(), "frames": frames}
        if self._masks:
            snapshot["masks"] = {
                camera: self._covered(camera, height, width) for camera in self.simulator.cameras
            }
        return snapshot

    def _covered(self, camera: str, height: int, width: int) -> np.ndarray:
        masks = 255 * self.simulator.segmentation_masks(camera).astype(np.uint8)
        return np.stack([resize(mask, height, width) for mask in masks])
