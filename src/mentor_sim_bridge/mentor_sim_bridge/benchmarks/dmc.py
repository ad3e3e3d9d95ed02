"""DeepMind Control Suite: every task of the suite, scored by its return."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentor_sim_bridge.benchmarks.pixel_env import PixelEnv
from mentor_sim_bridge.benchmarks.renderer import PixelRenderer  # sets GL's defaults: stays first
from mentor_sim_bridge.benchmarks.simulator import Body, Outcome

# isort: split
from dm_control import suite

CAMERAS = {"quadruped": 2}
"""Number of the camera where it is not the first one (as in DrQ-v2)."""


class DmcBody(Body):
    """One dm_control task.

    ``reset(seed)`` begins the same episode as the first one of
    ``suite.load(domain, task, task_kwargs={"random": seed})``.

    Args:
        domain: e.g. ``dog``.
        task: e.g. ``walk``.
        image_size: pixels.
        camera: name or number; None is the suite's usual one.
        stock: draw the suite's look.
    """

    def __init__(
        self,
        domain: str,
        task: str,
        image_size: int = 84,
        camera: str | int | None = None,
        stock: bool = False,
    ) -> None:
        self.task = f"dmc-{domain}_{task}"
        self._env = suite.load(domain, task, task_kwargs={"random": 0})
        self._seeded = False
        physics = self._env.physics
        if camera is None:
            camera = CAMERAS.get(domain, 0 if physics.model.ncam else -1)
        self.camera = _camera_name(physics, camera)
        model = physics.model.ptr
        self._renderer = PixelRenderer(model, camera, image_size, image_size, stock)
        self._rendered_model = model
        self._make_renderer = lambda ptr: PixelRenderer(ptr, camera, image_size, image_size, stock)
        spec = self._env.action_spec()
        self._low = spec.minimum.astype(np.float64)
        self._high = spec.maximum.astype(np.float64)
        self._unit = bool((self._low == -1.0).all() and (self._high == 1.0).all())
        names = [physics.model.id2name(i, "actuator") for i in range(physics.model.nu)]
        size = int(spec.shape[0])
        if len(names) != size:
            names = [""] * size
        self.action_names = tuple(name or f"a{i}" for i, name in enumerate(names))
        self.frame_seconds = float(self._env.control_timestep())
        limit = self._env._step_limit
        self.max_frames = int(np.ceil(limit)) if np.isfinite(limit) else 0

    def reset(self, seed: int | None, options: dict[str, Any]) -> None:
        """Begins an episode with the suite's own randomisation."""
        if seed is not None:
            self._env.task._random = np.random.RandomState(seed)
        elif not self._seeded:
            self._env.task._random = np.random.RandomState()
        self._seeded = True
        self._env.reset()
        model = self._env.physics.model.ptr
        if model is not self._rendered_model:
            self._renderer = self._make_renderer(model)
            self._rendered_model = model
        elif model.nhfield:
            self._renderer.terrain_changed()

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Goes on by one control step of the suite."""
        scaled = action.astype(np.float64)
        if not self._unit:
            scaled = self._low + (scaled + 1.0) * 0.5 * (self._high - self._low)
        step = self._env.step(scaled)
        terminated = bool(step.last() and step.discount == 0.0)
        return Outcome(float(step.reward), terminated, bool(step.last()) and not terminated)

    def render(self) -> NDArray[np.uint8]:
        """What the camera sees now."""
        return self._renderer.render(self._env.physics.data.ptr)

    def close(self) -> None:
        """Frees the renderer and the simulator."""
        self._renderer.close()
        self._env.close()


def _camera_name(physics: Any, camera: str | int) -> str:
    if isinstance(camera, str):
        return camera
    return (camera >= 0 and physics.model.id2name(camera, "camera")) or f"camera{camera}"


def make(
    domain: str,
    task: str,
    image_size: int = 84,
    frame_stack: int = 3,
    action_repeat: int = 2,
    camera: str | int | None = None,
    stock: bool = False,
    render_mode: str | None = None,
) -> PixelEnv:
    """Makes ``mentor/dmc-<domain>_<task>-v0``; 1000 frames, reward 0 to 1 each."""
    body = DmcBody(domain, task, image_size, camera, stock)
    return PixelEnv(body, action_repeat, frame_stack, image_size, render_mode)
