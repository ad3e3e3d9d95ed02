"""DeepMind Control Suite: every task of the suite, scored by its return."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentor_sim_bridge.benchmarks.pixel_env import PixelEnv
from mentor_sim_bridge.benchmarks.renderer import PixelRenderer  # sets GL's defaults: stays first
from mentor_sim_bridge.benchmarks.simulator import MujocoSimulator, Outcome, View, refuse_options

# isort: split
from dm_control import suite

CAMERAS = {"quadruped": 2}
"""Number of the camera where it is not the first one (as in DrQ-v2)."""
UNBOUNDED = 1e9
"""An actuator's bound from which on it counts as none."""


class DmcSimulator(MujocoSimulator):
    """One dm_control task.

    ``reset(seed)`` begins the same episode as the first one of
    ``suite.load(domain, task, task_kwargs={"random": seed})``. A seed from 2^32 on, which the suite
    does not take, stands for numbers that are derived from it.

    Args:
        domain: e.g. ``dog``.
        task: e.g. ``walk``.
        view: how it renders.
    """

    def __init__(self, domain: str, task: str, view: View | None = None) -> None:
        view = view or View()
        self.task = f"dmc-{domain}_{task}"
        self._env = suite.load(domain, task, task_kwargs={"random": 0})
        self._seeded = False
        physics = self._env.physics
        camera = view.camera
        if camera is None:
            camera = CAMERAS.get(domain, 0 if physics.model.ncam else -1)
        self.camera = _camera_name(physics, camera)
        size, stock = view.size, view.stock
        self._make_renderer = lambda model: PixelRenderer(model, camera, size, size, stock)
        self._rendered_model = physics.model.ptr
        self._renderer = self._make_renderer(self._rendered_model)
        spec = self._env.action_spec()
        bounded = np.abs(spec.maximum) < UNBOUNDED  # LQR's forces are not: they are -1 to 1 here
        self._low = np.where(bounded, spec.minimum, -1.0)
        self._high = np.where(bounded, spec.maximum, 1.0)
        self._unit = bool((self._low == -1.0).all() and (self._high == 1.0).all())
        names = [physics.model.id2name(i, "actuator") for i in range(physics.model.nu)]
        if len(names) != spec.shape[0]:
            names = [""] * int(spec.shape[0])
        self.action_names = tuple(name or f"a{i}" for i, name in enumerate(names))
        self.frame_seconds = float(self._env.control_timestep())
        limit = self._env._step_limit
        self.max_frames = int(np.ceil(limit)) if np.isfinite(limit) else 0

    def reset(self, seed: int | None, options: dict[str, Any]) -> None:
        """Begin an episode with the suite's own randomization."""
        refuse_options(self.task, options)
        if seed is not None:
            self._env.task._random = np.random.RandomState(
                seed if seed < 2**32 else np.random.SeedSequence(seed).generate_state(8)
            )
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
        """Simulate one control step of the suite."""
        scaled = action.astype(np.float64)
        if not self._unit:
            scaled = self._low + (scaled + 1.0) * 0.5 * (self._high - self._low)
        step = self._env.step(scaled)
        terminated = bool(step.last() and step.discount == 0.0)
        return Outcome(float(step.reward), terminated, bool(step.last()) and not terminated)

    def _data(self) -> Any:
        return self._env.physics.data.ptr


def _camera_name(physics: Any, camera: str | int) -> str:
    if isinstance(camera, str):
        return camera
    return (camera >= 0 and physics.model.id2name(camera, "camera")) or f"camera{camera}"


make = partial(PixelEnv.make, DmcSimulator)
"""Makes ``mentor/dmc-<domain>_<task>-v0``: 1000 frames with rewards of 0 to 1."""
