"""Any gymnasium environment that can be looked at, as one of pixels and actions in [-1, 1]."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mentor_common.messages.images import resize
from mentor_sim_bridge.benchmarks.pixel_env import PixelEnv
from mentor_sim_bridge.benchmarks.renderer import PixelRenderer
from mentor_sim_bridge.benchmarks.simulator import Body, Outcome

SECONDS_IF_UNKNOWN = 0.05


class GymnasiumBody(Body):
    """A gymnasium environment with bounded continuous actions and something to look at.

    Where the picture comes from, the first that there is: the environment's own observation, if it
    is an RGB image (or holds one in a dictionary); MuJoCo's model, drawn by this package; else
    ``render()``. Pictures are resized with area filtering.

    Args:
        name: the environment's id.
        image_size: pixels.
        camera: a MuJoCo model's camera; None: its ``track`` camera, else the free one.
        stock: draw MuJoCo's look.
        kwargs: handed to ``gymnasium.make``.

    Raises:
        ValueError: the actions are not bounded numbers, or there is nothing to look at.
    """

    def __init__(
        self,
        name: str,
        image_size: int = 84,
        camera: str | int | None = None,
        stock: bool = False,
        **kwargs: Any,
    ) -> None:
        env = gym.make(name, **kwargs)
        self._image_key = _image_in(env.observation_space)
        inner = env.unwrapped
        self._renderer: PixelRenderer | None = None
        self._size = image_size
        self.camera = "image"
        if self._image_key is None and hasattr(inner, "model") and hasattr(inner, "data"):
            names = [inner.model.camera(i).name for i in range(inner.model.ncam)]
            if camera is None:
                camera = "track" if "track" in names else -1
            self.camera = camera if isinstance(camera, str) else f"camera{camera}"
            self._renderer = PixelRenderer(inner.model, camera, image_size, image_size, stock)
        elif self._image_key is None:
            env.close()
            if "rgb_array" not in env.metadata.get("render_modes", []):
                raise ValueError(f"{name} shows nothing: no image observation, no rgb_array")
            env = gym.make(name, render_mode="rgb_array", **kwargs)
        space = env.action_space
        if not isinstance(space, gym.spaces.Box) or not space.is_bounded():
            raise ValueError(f"{name} has actions {space}; only bounded Box spaces can be driven")
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

    def reset(self, seed: int | None, options: dict[str, Any]) -> None:
        """Begins an episode."""
        self._observation, _ = self._env.reset(seed=seed, options=options or None)

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Goes on by one step of the environment."""
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
        """What there is to see now."""
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
        """Frees the renderer and the environment."""
        if self._renderer is not None:
            self._renderer.close()
        self._env.close()


def _image_in(space: gym.Space[Any]) -> str | None:
    """Key of the RGB image in a dictionary space, "" if the space is one itself, None if none."""
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
    """Makes any environment by id; those of this stack as they are, others behind PixelEnv.

    Args:
        name: gymnasium id.
        image_size: height and width of a frame in pixels.
        frame_stack: frames of an observation.
        action_repeat: None: what the environment's maker has as default, 1 for others.
        camera: None: the environment's default.
        stock: draw the suite's look.
        kwargs: handed on to the environment.

    Raises:
        ValueError, gymnasium.error.Error: the environment cannot be made, or not be looked at.
    """
    if name.startswith("mentor/"):
        wanted: dict[str, Any] = {"image_size": image_size, "frame_stack": frame_stack}
        wanted["stock"] = stock
        if action_repeat is not None:
            wanted["action_repeat"] = action_repeat
        if camera is not None:
            wanted["camera"] = camera
        defaults = {"image_size": 84, "frame_stack": 3, "stock": False}
        # What stands at its default is left to the maker: not every environment knows it.
        changed = {key: value for key, value in wanted.items() if defaults.get(key) != value}
        return gym.make(name, **changed, **kwargs).unwrapped
    body = GymnasiumBody(name, image_size, camera, stock, **kwargs)
    return PixelEnv(body, action_repeat or 1, frame_stack, image_size)
