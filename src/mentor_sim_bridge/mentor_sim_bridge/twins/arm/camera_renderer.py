"""Camera images of a MuJoCo scene, fast and repeatable without a graphics card."""

from __future__ import annotations

import mujoco
import numpy as np


class CameraRenderer:
    """Renders named cameras; belongs to the thread that makes it.

    Shadows, reflections and multisampling are off: a software renderer is ten times faster so.

    Args:
        model: compiled with `offsamples` and `shadowsize` 0.
        height: pixels.
        width: pixels.
    """

    def __init__(self, model: mujoco.MjModel, height: int, width: int) -> None:
        self._renderer = mujoco.Renderer(model, height, width)
        self._options = mujoco.MjvOption()
        self._options.sitegroup[:] = 0
        self._options.flags[mujoco.mjtVisFlag.mjVIS_TEXTURE] = 1
        flags = self._renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0

    def render(self, data: mujoco.MjData, camera: str) -> np.ndarray:
        """One image, (height, width, 3) uint8 RGB."""
        self._renderer.update_scene(data, camera, self._options)
        return self._renderer.render()

    def segmentation_mask(self, data: mujoco.MjData, camera: str, geoms: np.ndarray) -> np.ndarray:
        """Return where one image shows these geoms (ids), (height, width) bool."""
        self._renderer.enable_segmentation_rendering()
        try:
            seen = self.render(data, camera)
        finally:
            self._renderer.disable_segmentation_rendering()
        return (seen[..., 1] == int(mujoco.mjtObj.mjOBJ_GEOM)) & np.isin(seen[..., 0], geoms)

    def close(self) -> None:
        """Frees the graphics context."""
        self._renderer.close()
