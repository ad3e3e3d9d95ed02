"""A task of a suite as a gymnasium environment with images and actions in [-1, 1]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mentor_common.messages.frames import FrameLayout
from mentor_sim_bridge.benchmarks.simulator import TaskSimulator, View, refuse_outside

Observation = NDArray[np.uint8] | dict[str, NDArray[Any]]


class PixelEnv(gym.Env[Observation, NDArray[np.float32]]):
    """Stacks the newest frames, repeats actions and sums their rewards.

    The observation is ``(frame_stack * 3, height, width) uint8``, oldest frame first, and with a
    state the dictionary of it as ``image`` and ``(state_size,) float32`` as ``state``. After a
    reset every frame of the stack is the first one.

    Args:
        simulator: simulator of the task.
        action_repeat: simulator frames per step; at the end of an episode there may be fewer.
        frame_stack: frames of an observation.
        image_size: height and width of a frame in pixels.
        render_mode: None or ``rgb_array``.
        sticky_success: a success holds until the reset (Meta-World, Adroit).
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012 - gymnasium's form

    def __init__(
        self,
        simulator: TaskSimulator,
        action_repeat: int = 2,
        frame_stack: int = 3,
        image_size: int = 84,
        render_mode: str | None = None,
        sticky_success: bool = True,
    ) -> None:
        refuse_outside("action_repeat", action_repeat, 1, 10_000)
        refuse_outside("frame_stack", frame_stack, 1, 16)
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode is {render_mode!r}; known: None, 'rgb_array'")
        self.simulator = simulator
        self.action_repeat = action_repeat
        self.render_mode = render_mode
        self.frame_layout = FrameLayout(
            (simulator.camera,), frame_stack, image_size, image_size, True
        )
        self.period = simulator.frame_seconds * action_repeat
        self.max_steps = -(-simulator.max_frames // action_repeat)
        self.metadata = {**self.metadata, "render_fps": max(1, round(1 / self.period))}
        image = gym.spaces.Box(0, 255, self.frame_layout.shape, np.uint8)
        self.observation_space: gym.Space[Any] = image
        if simulator.state_size:
            state = gym.spaces.Box(-np.inf, np.inf, (simulator.state_size,), np.float32)
            self.observation_space = gym.spaces.Dict(image=image, state=state)
        self.action_names = simulator.action_names
        self.action_space = gym.spaces.Box(-1.0, 1.0, (len(simulator.action_names),), np.float32)
        self._sticky = sticky_success
        self._success = False
        self._ended = True
        self._stack = np.zeros(self.frame_layout.shape, np.uint8)

    @classmethod
    def make(
        cls,
        simulator: Callable[..., TaskSimulator],
        *,
        image_size: int = 84,
        camera: str | int | None = None,
        stock: bool = False,
        frame_stack: int = 3,
        action_repeat: int = 2,
        render_mode: str | None = None,
        **options: Any,
    ) -> PixelEnv:
        """Make a task's environment.

        Args:
            simulator: makes the task's simulator.
            image_size: height and width of a frame in pixels.
            camera: name or number of a camera; None: the suite's usual one.
            stock: render as the suite does.
            frame_stack: frames of an observation.
            action_repeat: simulator frames per step.
            render_mode: None or ``rgb_array``.
            options: further arguments of the simulator.

        Raises:
            TypeError, ValueError: an argument is unknown or wrong.
        """
        made = simulator(view=View(image_size, camera, stock), **options)
        return cls(made, action_repeat, frame_stack, image_size, render_mode)

    @property
    def task(self) -> str:
        """The name of the running episode's task, e.g. ``dmc-hopper_hop``."""
        return self.simulator.task

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode. Without a seed the random state continues as it is.

        Raises:
            ValueError: an option is unknown; no episode runs then.
        """
        super().reset(seed=seed)
        self._ended = True
        self.simulator.reset(seed, options or {})
        self._success = False
        self._ended = False
        frame = self.simulator.render()
        self._stack = np.tile(frame, (self.frame_layout.frames, 1, 1))
        return self._observation(), {"success": False, **self.simulator.info()}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, SupportsFloat, bool, bool, dict[str, Any]]:
        """Repeat the action; the reward is the sum over the frames.

        Raises:
            ValueError: the action has a wrong size or holds NaN or infinity.
            gymnasium.error.ResetNeeded: the episode is over.
        """
        reward, terminated, truncated, info = self.advance(action)
        return self.observe(), reward, terminated, truncated, info

    def advance(self, action: NDArray[np.float32]) -> tuple[float, bool, bool, dict[str, Any]]:
        """Do the first half of ``step``: all but the rendering, which takes most of the time."""
        action = np.asarray(action, np.float32)
        if action.shape != self.action_space.shape or not np.isfinite(action).all():
            raise ValueError(
                f"action {action} is not {self.action_space.shape} finite numbers in [-1, 1]"
            )
        if self._ended:
            raise gym.error.ResetNeeded(f"{self.task}: the episode is over, call reset() first")
        action = np.clip(action, -1.0, 1.0)
        reward = 0.0
        terms: dict[str, float] = {}
        success = False
        for _ in range(self.action_repeat):
            outcome = self.simulator.step(action)
            reward += outcome.reward
            for name, value in outcome.terms.items():
                terms[name] = terms.get(name, 0.0) + value
            success = bool(outcome.success) or (self._sticky and success)
            self._ended = outcome.terminated or outcome.truncated
            if self._ended:
                break
        self._success = success or (self._sticky and self._success)
        info: dict[str, Any] = {"success": self._success, **self.simulator.info()}
        if terms:
            info["reward_terms"] = terms
        return reward, outcome.terminated, outcome.truncated, info

    def observe(self) -> Observation:
        """Do the second half of ``step``: render, and return the observation."""
        # A new array at each step: an observation that is kept does not change.
        stack = np.empty_like(self._stack)
        stack[:-3] = self._stack[3:]
        stack[-3:] = self.simulator.render()
        self._stack = stack
        return self._observation()

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """Return the newest frame, ``(height, width, 3) uint8``; None without ``render_mode``."""
        if self.render_mode is None:
            return None
        return np.ascontiguousarray(self._stack[-3:].transpose(1, 2, 0))

    def close(self) -> None:
        """Free the simulator and the renderer."""
        self.simulator.close()

    def _observation(self) -> Observation:
        if self.simulator.state_size:
            return {"image": self._stack, "state": self.simulator.state()}
        return self._stack
