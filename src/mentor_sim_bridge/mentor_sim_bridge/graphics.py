"""Checks that this process can render, before a cell begins whose every reset would fail."""

from __future__ import annotations

import contextlib
import functools
import os
from concurrent.futures import ThreadPoolExecutor


class GraphicsError(RuntimeError):
    """Nothing can be rendered here; says why, and the way out."""


@functools.cache
def check_graphics() -> None:
    """Make a small OpenGL context and free it, once in a process, in a thread of its own.

    Raises:
        GraphicsError: none can be made.
    """
    with ThreadPoolExecutor(1) as threads:
        try:
            threads.submit(_make_context).result()
        except Exception as error:
            chosen = os.environ.get("MUJOCO_GL", "")
            raise GraphicsError(
                f"MUJOCO_GL={chosen}: no image can be rendered ({type(error).__name__}: {error}); "
                "unset it, or set it to egl, which needs no screen"
            ) from error


def _make_context() -> None:
    import mujoco  # late, as its next line: both fail by what MUJOCO_GL says
    from mujoco.gl_context import GLContext

    context = GLContext(8, 8)
    try:
        context.make_current()
        model = mujoco.MjModel.from_xml_string("<mujoco/>")
        mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value).free()
    finally:
        with contextlib.suppress(Exception):
            context.free()
