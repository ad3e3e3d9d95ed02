"""The one renderer of this package: small images of MuJoCo scenes, rendered fast on a processor.

Software OpenGL spends most of a frame on shadows, reflections and antialiasing, which at 84x84
pixels hardly show, and on passing small jobs to its own threads. Without them a frame takes about
a tenth of the time. ``stock=True`` renders as the suite does.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from typing import Any

if sys.platform.startswith("linux"):
    # Read when the first GL context is made. A user's own choice is kept.
    os.environ.setdefault("MUJOCO_GL", "egl")
    os.environ.setdefault("LP_NUM_THREADS", "0")
    # Mesa's shader cache saves 0.2 s at the start, but it has a thread of the lowest priority: on a
    # busy machine an ended process stays for seconds until that thread gets its turn to end.
    os.environ.setdefault("MESA_SHADER_CACHE_DISABLE", "true")

import mujoco
import numpy as np
from numpy.typing import NDArray

from mentor_sim_bridge.graphics import check_graphics

MAX_GEOMS = 10_000


def _new_gl_context(width: int, height: int) -> Any:
    if os.environ.get("MUJOCO_GL", "").lower() == "egl":
        # By name: mujoco.gl_context chose when mujoco was first imported, maybe before the
        # default above was set.
        from mujoco.egl import GLContext
    else:
        from mujoco.gl_context import GLContext
    return GLContext(width, height)


class _ThreadContext:
    """What belongs to one thread: a GL context, MuJoCo's own, and the image's buffer."""

    gl: Any = None  # none could be made

    def __init__(self, model: mujoco.MjModel, height: int, width: int, fast: bool) -> None:
        self.gl = _new_gl_context(width, height)
        self.gl.make_current()
        self.context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self.context)
        self.scene = mujoco.MjvScene(model=model, maxgeom=MAX_GEOMS)
        if fast:
            self.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
            self.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self.pixels = np.empty((height, width, 3), np.uint8)

        _contexts.add(self)

    def free(self) -> None:
        """Free GL's memory, as far as the thread's context can still be reached."""
        gl, self.gl = self.gl, None
        if gl is None:
            return
        try:
            gl.make_current()
            self.context.free()
            gl.free()
        except Exception:
            gl._context = None  # else its destructor tries again, and prints the error

    def __del__(self) -> None:
        self.free()


_contexts: weakref.WeakSet[_ThreadContext] = weakref.WeakSet()


@atexit.register
def _free_all() -> None:
    # While GL's libraries are still loaded: destructors at interpreter exit come too late.
    for context in list(_contexts):
        context.free()


class PixelRenderer:
    """Renders one camera of one model as ``(3, height, width) uint8``, upright.

    GL contexts belong to threads: each thread that renders gets its own, made at its first image.

    Args:
        model: the model; its rendering quality is lowered in place unless ``stock``.
        camera: name or number of a camera of the model; -1 is the free camera.
        height: pixels.
        width: pixels.
        stock: keep shadows, reflections and antialiasing as the model has them.
        upside_down: the camera is mounted upside down: its image is turned by half a turn.

    Raises:
        ValueError: the model has no such camera.
        GraphicsError: nothing can be rendered here.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        camera: str | int,
        height: int = 84,
        width: int = 84,
        stock: bool = False,
        upside_down: bool = False,
    ) -> None:
        check_graphics()
        self._model = model
        self._height = height
        self._width = width
        self._fast = not stock
        self._mirror = upside_down
        self._option = mujoco.MjvOption()
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._camera = _find_camera(model, camera)
        model.vis.global_.offwidth = max(model.vis.global_.offwidth, width)
        model.vis.global_.offheight = max(model.vis.global_.offheight, height)
        if self._fast:
            model.vis.quality.offsamples = 0
            model.vis.quality.shadowsize = 0
        self._local = threading.local()
        self._terrain_version = 0

    def render(self, data: mujoco.MjData) -> NDArray[np.uint8]:
        """Render ``data`` as a new array ``(3, height, width) uint8``."""
        thread = self._thread()
        thread.gl.make_current()
        mujoco.mjv_updateScene(
            self._model,
            data,
            self._option,
            None,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL.value,
            thread.scene,
        )
        mujoco.mjr_render(self._rect, thread.scene, thread.context)
        mujoco.mjr_readPixels(thread.pixels, None, self._rect, thread.context)
        # GL's first row is the lowest; turned by half a turn, it is the first one, mirrored.
        upright = thread.pixels[:, ::-1] if self._mirror else thread.pixels[::-1]
        return np.ascontiguousarray(upright.transpose(2, 0, 1))

    def terrain_changed(self) -> None:
        """Upload the model's height fields again before the next image, as they have changed."""
        self._terrain_version += 1

    def close(self) -> None:
        """Free the calling thread's context."""
        self._local = threading.local()

    def _thread(self) -> _ThreadContext:
        local = self._local
        thread: _ThreadContext | None = getattr(local, "thread", None)
        if thread is None:
            thread = _ThreadContext(self._model, self._height, self._width, self._fast)
            local.thread = thread
            local.terrain = self._terrain_version
        elif local.terrain != self._terrain_version:
            thread.gl.make_current()
            for field in range(self._model.nhfield):
                mujoco.mjr_uploadHField(self._model, thread.context, field)
            local.terrain = self._terrain_version
        return thread


def _find_camera(model: mujoco.MjModel, camera: str | int) -> mujoco.MjvCamera:
    found = mujoco.MjvCamera()
    if isinstance(camera, str):
        number = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA.value, camera)
        wrong = number == -1
    else:
        number = camera
        wrong = not -1 <= number < model.ncam
    if wrong:
        known = [model.camera(i).name or str(i) for i in range(model.ncam)]
        raise ValueError(f"camera {camera!r} is not in the model; known: {', '.join(known)}")
    if number == -1:
        mujoco.mjv_defaultFreeCamera(model, found)
    else:
        found.type = mujoco.mjtCamera.mjCAMERA_FIXED.value
        found.fixedcamid = number
    return found
