"""An environment that is driven by numbered actions, of which any may be wrong, late or twice."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mentor_common.messages.episode_numbers import EpisodeNumbers
from mentor_common.messages.frames import FrameLayout


class Verdict(enum.Enum):
    """What became of an action. Only the first two move anything."""

    TAKEN = "actions taken"
    CLIPPED = "actions clipped"
    WRONG_SIZE = "actions refused: size"
    NOT_FINITE = "actions refused: not finite"
    OTHER_EPISODE = "actions dropped: other episode"
    OTHER_STEP = "actions dropped: other step"
    AFTER_END = "actions dropped: episode over"
    LATE = "actions dropped: late"
    UNREADABLE = "messages unreadable"


@dataclass(frozen=True)
class Result:
    """What an action led to: the reward of the step that was reached, and how it stands."""

    episode: int
    step: int
    reward: float
    terminated: bool
    truncated: bool
    success: bool
    valid: bool = True
    reason: str = ""
    terms: dict[str, float] = field(default_factory=dict)


class Stage:
    """Plays the episodes of one environment, by the rules of the stream.

    Args:
        env: its observation is ``frame_layout.shape`` uint8, or a dictionary of that (``image``)
            and ``state``.
        numbers: of the episodes; None draws new ones.
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
        self.pixels: NDArray[np.uint8] = np.zeros(self.layout.shape, np.uint8)
        self.state: NDArray[np.float32] = np.zeros(self.state_size, np.float32)
        # PixelEnv can tell the reward before it draws: whoever waits for it has it sooner.
        self._halves = hasattr(env, "advance") and hasattr(env, "look")

    @property
    def task(self) -> str:
        """Name of the task of the running episode."""
        env: Any = self.env.unwrapped
        spec = env.spec
        return str(getattr(env, "task", spec.id if spec else type(env).__name__))

    def success_by_task(self) -> dict[str, tuple[int, int]]:
        """Successes and episodes of each task, where an environment has several."""
        body = getattr(self.env, "body", None)
        report = getattr(body, "success_by_task", None)
        return report() if report is not None else {}

    def reset(self, seed: int | None, options: dict[str, Any]) -> int:
        """Begins an episode; ``pixels`` and ``state`` are its first. Returns its number.

        Raises: whatever the environment raises; then no episode is running.
        """
        self.over = True
        observation, _ = self.env.reset(seed=seed, options=options)
        self._take(observation)
        self.episode = self._numbers.next()
        self.step = 0
        self.over = False
        return self.episode

    def judge(
        self, episode: int, step: int, data: NDArray[np.float32]
    ) -> tuple[Verdict, NDArray[np.float32]]:
        """Whether an action may be carried out, and as what. Changes nothing."""
        if episode != self.episode:
            return Verdict.OTHER_EPISODE, data
        if self.over:
            return Verdict.AFTER_END, data
        if step != self.step:
            return Verdict.OTHER_STEP, data
        if data.shape != self._low.shape:
            return Verdict.WRONG_SIZE, data
        if not np.isfinite(data).all():
            return Verdict.NOT_FINITE, data
        if ((data < self._low) | (data > self._high)).any():
            return Verdict.CLIPPED, np.clip(data, self._low, self._high)
        return Verdict.TAKEN, data

    def act(self, action: NDArray[np.float32]) -> Result:
        """Carries out an action that ``judge`` has let through. ``look()`` must follow.

        A simulator that fails ends the episode: truncated, not valid, with the reason.
        """
        self.step += 1
        try:
            if self._halves:
                reward, terminated, truncated, info = self.env.advance(action)  # type: ignore
            else:
                observation, value, terminated, truncated, info = self.env.step(action)
                reward = float(value)
                self._take(observation)
            if not np.isfinite(reward):
                raise FloatingPointError(f"the reward is {reward}")
        except Exception as error:
            self.over = True
            reason = f"{type(error).__name__}: {error}"
            return Result(
                self.episode, self.step, 0.0, False, True, False, valid=False, reason=reason
            )
        self.over = bool(terminated or truncated)
        return Result(
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

    def look(self, after: Result | None = None) -> None:
        """Brings ``pixels`` and ``state`` up to the step; after a failure they stay the old."""
        if self._halves and (after is None or after.valid):
            self._take(self.env.look())  # type: ignore[attr-defined]

    def _take(self, observation: Any) -> None:
        if self.has_state:
            self.pixels, self.state = observation["image"], observation["state"]
        else:
            self.pixels = observation
