"""Runs the episodes of one environment by numbered actions, any of which may be wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mentor_common.arm.command import Command, CommandStatus, check_command
from mentor_common.messages.episode_numbers import EpisodeNumbers
from mentor_common.messages.frames import FrameLayout


@dataclass(frozen=True)
class StepResult:
    """The result of an action.

    Args:
        episode: episode of the action.
        step: step that was reached.
        reward: reward of this step.
        terminated: whether the episode ended by itself.
        truncated: whether it was cut off.
        success: whether the task is solved.
        valid: whether the step may be learned from.
        reason: why not; empty if it may.
        terms: terms of the reward, by name.
    """

    episode: int
    step: int
    reward: float
    terminated: bool
    truncated: bool
    success: bool
    valid: bool = True
    reason: str = ""
    terms: dict[str, float] = field(default_factory=dict)


def failed_step(episode: int, step: int, reason: str) -> StepResult:
    """Return the result of a step that was not taken: truncated, and not to be learned from."""
    return StepResult(episode, step, 0.0, False, True, False, valid=False, reason=reason)


class EpisodeRunner:
    """Runs the episodes of one environment.

    Args:
        env: its observation is ``frame_layout.shape`` uint8, or a dictionary of that (``image``)
            and ``state``.
        numbers: numbers of the episodes; None draws new ones.
    """

    def __init__(self, env: gym.Env[Any, Any], numbers: EpisodeNumbers | None = None) -> None:
        self.env = env
        self.layout: FrameLayout = env.unwrapped.frame_layout  # type: ignore[attr-defined]
        space = env.observation_space
        self.has_state = isinstance(space, gym.spaces.Dict)
        self.state_size = int(space["state"].shape[0]) if self.has_state else 0  # type: ignore
        assert isinstance(env.action_space, gym.spaces.Box)
        self._low = env.action_space.low
        self._high = env.action_space.high
        self.action_size = int(self._low.size)
        self._numbers = numbers or EpisodeNumbers()
        self.episode = 0
        self.step = 0
        self.over = True
        self.cut_off: tuple[int, int] | None = None
        """Episode and awaited step of the last episode that was ended before its end."""
        self.pixels: NDArray[np.uint8] = np.zeros(self.layout.shape, np.uint8)
        self.state: NDArray[np.float32] = np.zeros(self.state_size, np.float32)
        # PixelEnv returns the reward before it renders, so that the reward is published sooner.
        self._renders_later = hasattr(env, "advance") and hasattr(env, "observe")

    @property
    def task(self) -> str:
        """The name of the running episode's task."""
        env: Any = self.env.unwrapped
        spec = env.spec
        return str(getattr(env, "task", spec.id if spec else type(env).__name__))

    def success_by_task(self) -> dict[str, tuple[int, int]]:
        """Return the successes and episodes of each task, where an environment has several."""
        simulator = getattr(self.env, "simulator", None)
        report = getattr(simulator, "success_by_task", None)
        return report() if report is not None else {}

    def reset(self, seed: int | None, options: dict[str, Any]) -> int:
        """Begin an episode; ``pixels`` and ``state`` are then its first observation.

        Args:
            seed: seed of the episode; None: the random state continues.
            options: options of the environment's reset.

        Returns:
            The episode's number.

        Raises:
            Exception: whatever the environment raises; then no episode is running.
        """
        self.end_episode()
        observation, _ = self.env.reset(seed=seed, options=options)
        self._take(observation)
        self.episode = self._numbers.next()
        self.step = 0
        self.over = False
        return self.episode

    def end_episode(self) -> None:
        """End the running episode, if there is one, before its end."""
        if not self.over:
            self.cut_off = self.episode, self.step
        self.over = True

    def check(
        self, command: Command, now: int
    ) -> tuple[CommandStatus, str, NDArray[np.floating[Any]]]:
        """Decide whether an action may be executed; change nothing.

        Args:
            command: the action.
            now: nanoseconds of ROS time.

        Returns:
            Its status, the reason where it is not executed as it is, and the action within its
            bounds.
        """
        episode = 0 if self.over else self.episode
        status, reason = check_command(command, episode, self.step, self._low, self._high, now)
        action = command.data
        if status is CommandStatus.CLIPPED:
            action = np.clip(action, self._low, self._high)
        return status, reason, action

    def act(self, action: NDArray[np.floating[Any]]) -> StepResult:
        """Execute an action that passed ``check``; ``observe`` must follow.

        A simulator that fails ends the episode: truncated, not valid, with the reason.
        """
        try:
            if self._renders_later:
                reward, terminated, truncated, info = self.env.advance(action)  # type: ignore
            else:
                observation, value, terminated, truncated, info = self.env.step(action)
                reward = float(value)
                self._take(observation)
            if not np.isfinite(reward):
                raise FloatingPointError(f"the reward is {reward}")
        except Exception as error:
            return self.fail(f"{type(error).__name__}: {error}")
        self.step += 1
        self.over = bool(terminated or truncated)
        return StepResult(
            self.episode,
            self.step,
            reward,
            bool(terminated),
            bool(truncated),
            bool(info.get("success", False)),
            bool(info.get("valid", True)),
            str(info.get("reason", "")),
            info.get("reward_terms", {}),
        )

    def fail(self, reason: str) -> StepResult:
        """End the episode with a step that is not valid; ``pixels`` and ``state`` stay as is."""
        self.step += 1
        self.over = True
        return failed_step(self.episode, self.step, reason)

    def observe(self, result: StepResult) -> None:
        """Update ``pixels`` and ``state`` to a result's step; after a failure they stay as is."""
        if self._renders_later and result.valid:
            self._take(self.env.observe())  # type: ignore[attr-defined]

    def _take(self, observation: Any) -> None:
        if self.has_state:
            self.pixels, self.state = observation["image"], observation["state"]
        else:
            self.pixels = observation
