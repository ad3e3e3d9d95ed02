"""Any gymnasium environment that renders, as one with images and actions in [-1, 1]."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mentor_common.messages.images import resize
from mentor_sim_bridge.benchmarks.pixel_env import PixelEnv
from mentor_sim_bridge.benchmarks.renderer import PixelRenderer
from mentor_sim_bridge.benchmarks.simulator import Outcome, TaskSimulator, View

SECONDS_IF_UNKNOWN = 0.05


class GymnasiumSimulator(TaskSimulator):
    """A gymnasium environment with bounded continuous actions and images.

    The image is the first of these that exists: the environment's own observation, if it is an RGB
    image (or holds one in a dictionary); MuJoCo's model, rendered by this package; ``render()``.
    Images are resized with area filtering.

    Args:
        name: the environment's id.
        view: how a MuJoCo model is rendered; usually by its ``track`` camera, else the free one.
        kwargs: passed to ``gymnasium.make``.

    Raises:
        ValueError: the actions are not bounded numbers, or there is no image or no such camera, or
        nothing can be rendered.
    """

    def __init__(self, name: str, view: View | None = None, **kwargs: Any) -> None:
        view = view or View()
        env = gym.make(name, **kwargs)
        self._image_key = _image_in(env.observation_space)
        inner = env.unwrapped
        self._renderer: PixelRenderer | None = None
        self._size = view.size
        self.camera = "image"
        if self._image_key is None and hasattr(inner, "model") and hasattr(inner, "data"):
            names = [inner.model.camera(i).name for i in range(inner.model.ncam)]
            camera = view.camera
            if camera is None:
                camera = "track" if "track" in names else -1
            self.camera = camera if isinstance(camera, str) else f"camera{camera}"
            self._renderer = PixelRenderer(inner.model, camera, view.size, view.size, view.stock)
        elif self._image_key is None:
            env.close()
            if "rgb_array" not in env.metadata.get("render_modes", []):
                raise ValueError(f"{name} has no images: no image observation, no rgb_array")
            env = gym.make(name, **{**kwargs, "render_mode": "rgb_array"})
        if self._renderer is None and view.camera is not None:
            env.close()
            raise ValueError(
                f"{name} has no camera {view.camera!r}, as it shows its own image; leave camera out"
            )
        space = env.action_space
        if not isinstance(space, gym.spaces.Box) or not space.is_bounded():
            raise ValueError(f"{name} has actions {space}; only bounded Box spaces are supported")
        self._env = env
        self.task = name.removesuffix("-v0").replace("/", "-")
        self._low = space.low.reshape(-1).astype(np.float64)
        self._high = space.high.reshape(-1).astype(np.float64)
        self.action_names = tuple(f"a{i}" for i in range(self._low.size))
        rate = env.metadata.get("render_fps")
        self.frame_seconds = float(getattr(inner, "dt", 0) or (1 / rate if rate else 0))
        self.frame_seconds = self.frame_seconds or SECONDS_IF_UNKNOWN
        limit = env.spec.max_episode_steps if env.spec else None
        self.max_frames = int(limit or 0)
        self._observation: Any = None
        self._seeded = False
        self._render_once(name)
        self._seeded = False  # but by what was only to try it

    def _render_once(self, name: str) -> None:
        """Refuse now what cannot be rendered, or it would fail at each reset."""
        try:
            self.reset(0, {})
            self.render()
        except Exception as error:
            self.close()
            raise ValueError(f"{name} cannot render: {error}") from error

    def reset(self, seed: int | None, options: dict[str, Any]) -> None:
        """Begin an episode."""
        if seed is None and not self._seeded:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        self._seeded = True
        self._observation, _ = self._env.reset(seed=seed, options=options or None)

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Make one step of the environment."""
        space = self._env.action_space
        scaled = self._low + (action.astype(np.float64) + 1.0) * 0.5 * (self._high - self._low)
        scaled = scaled.reshape(space.shape).astype(space.dtype)
        self._observation, reward, terminated, truncated, info = self._env.step(scaled)
        success = info.get("success", info.get("is_success"))
        return Outcome(
            float(reward),
            bool(terminated),
            bool(truncated) and not terminated,
            None if success is None else bool(success),
        )

    def render(self) -> NDArray[np.uint8]:
        """Return the image, ``(3, height, width) uint8``."""
        if self._renderer is not None:
            return self._renderer.render(self._env.unwrapped.data)  # type: ignore[attr-defined]
        if self._image_key is None:
            picture = np.asarray(self._env.render(), np.uint8)
        else:
            picture = self._observation[self._image_key] if self._image_key else self._observation
            if picture.shape[-1] != 3:
                picture = picture.transpose(1, 2, 0)
        small = resize(np.ascontiguousarray(picture), self._size, self._size)
        return np.ascontiguousarray(small.transpose(2, 0, 1))

    def close(self) -> None:
        """Free the renderer and the environment."""
        if self._renderer is not None:
            self._renderer.close()
        self._env.close()


def _image_in(space: gym.Space[Any]) -> str | None:
    """Return the key of the RGB image in a dictionary space; "" if the space is one, else None."""
    if isinstance(space, gym.spaces.Dict):
        return next((key for key, part in space.items() if _image_in(part) == ""), None)
    if isinstance(space, gym.spaces.Box) and space.dtype == np.uint8 and len(space.shape) == 3:
        return "" if 3 in (space.shape[0], space.shape[-1]) else None
    return None


def make_pixel_env(
    name: str,
    image_size: int = 84,
    frame_stack: int = 3,
    action_repeat: int | None = None,
    camera: str | int | None = None,
    stock: bool = False,
    **kwargs: Any,
) -> gym.Env[Any, Any]:
    """Make any environment by its id: those of this stack as they are, others as a PixelEnv.

    Args:
        name: gymnasium id.
        image_size: height and width of a frame in pixels.
        frame_stack: frames of an observation.
        action_repeat: None: the default of this stack's environments, 1 for others.
        camera: None: the environment's default.
        stock: render as the suite does.
        kwargs: passed to the environment.

    Raises:
        ValueError, gymnasium.error.Error: the environment cannot be made, or has no images.
    """
    if name.startswith("mentor/"):
        wanted: dict[str, Any] = {"image_size": image_size, "frame_stack": frame_stack}
        wanted["stock"] = stock
        if action_repeat is not None:
            wanted["action_repeat"] = action_repeat
        if camera is not None:
            wanted["camera"] = camera
        defaults = {"image_size": 84, "frame_stack": 3, "stock": False}
        # Defaults are not passed on: not every environment has each of these arguments.
        changed = {key: value for key, value in wanted.items() if defaults.get(key) != value}
        return gym.make(name, **changed, **kwargs).unwrapped
    simulator = GymnasiumSimulator(name, View(image_size, camera, stock), **kwargs)
    return PixelEnv(simulator, action_repeat or 1, frame_stack, image_size)
