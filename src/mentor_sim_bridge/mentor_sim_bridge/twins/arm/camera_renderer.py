"""Camera images of a MuJoCo scene, fast and repeatable without a graphics card."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

MOST_GEOMS = 1000


class CameraRenderer:
    """Renders named cameras; belongs to the thread that makes it.

    Shadows, reflections and multisampling are off: a software renderer is ten times faster so. One
    graphics context serves all models that differ by numbers alone, not by meshes or sizes: an
    episode's scene is compiled in 10 ms, a context takes longer.

    Args:
        model: compiled with `offsamples` and `shadowsize` 0.
        height: pixels.
        width: pixels.
    """

    def __init__(self, model: mujoco.MjModel, height: int, width: int) -> None:
        self._context = mujoco.GLContext(width, height)
        self._context.make_current()
        self._buffers = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._buffers)
        self._buffers.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._frame = mujoco.MjrRect(0, 0, width, height)
        self._scene = mujoco.MjvScene(model, MOST_GEOMS)
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._nothing = mujoco.MjvPerturb()
        self._options = mujoco.MjvOption()
        self._options.sitegroup[:] = 0
        self._options.flags[mujoco.mjtVisFlag.mjVIS_TEXTURE] = 1
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._pixels = np.empty((height, width, 3), np.uint8)

    def render(self, model: mujoco.MjModel, data: mujoco.MjData, camera: str) -> np.ndarray:
        """Return one image, (height, width, 3) uint8 RGB."""
        self._context.make_current()
        self._camera.fixedcamid = model.camera(camera).id
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(
            model, data, self._options, self._nothing, self._camera, everything, self._scene
        )
        mujoco.mjr_render(self._frame, self._scene, self._buffers)
        mujoco.mjr_readPixels(self._pixels, None, self._frame, self._buffers)
        return np.flipud(self._pixels).copy()

    def segmentation_masks(
        self, model: mujoco.MjModel, data: mujoco.MjData, camera: str, groups: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Return where one image shows each group of geoms.

        Args:
            model: model of the scene.
            data: its state.
            camera: its name.
            groups: ids of the geoms of each group.

        Returns:
            (groups, height, width) bool.
        """
        flags = self._scene.flags
        for flag in (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR):
            flags[flag] = 1
        try:
            seen = self.render(model, data, camera).astype(np.int64)
        finally:
            for flag in (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR):
                flags[flag] = 0
        segments = seen @ [1, 1 << 8, 1 << 16] - 1  # -1: background
        kind = int(mujoco.mjtObj.mjOBJ_GEOM)
        shown = [g for g in self._scene.geoms[: self._scene.ngeom] if g.segid >= 0]
        shown = [g for g in shown if g.objtype == kind]
        wanted = [[g.segid for g in shown if g.objid in geoms] for geoms in groups]
        return np.stack([np.isin(segments, ids) for ids in wanted])

    def close(self) -> None:
        """Free the graphics context."""
        self._context.make_current()
        self._buffers.free()
        self._context.free()
