"""The acting half of a split training: follows the learner's weights, never waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from mentor_policy.agents.base import Agent
from mentor_policy.distributed.follower import WeightsFollower
from mentor_policy.replay import Step
from mentor_policy.training.environment import Env, split
from mentor_policy.training.seeds import EVALUATION, TRAINING, episode_seed


@dataclass
class ActorProgress:
    """What an actor has done, over all its starts."""

    steps: int = 0  # of training
    episodes: int = 0  # of training, begun
    evaluated_at: int = 0  # steps at which the last evaluation was


@dataclass(frozen=True)
class Episode:
    """One episode that was acted out.

    Attributes:
        total: undiscounted sum of rewards.
        length: steps.
        success: as the environment says at the last step.
        over: it ended by itself; False if it was stopped.
    """

    total: float
    length: int
    success: bool
    over: bool


class Actor:
    """Acts in an environment with the newest weights that it has.

    Args:
        env: observations ``(C, H, W) uint8``, or a dict of ``image`` and ``state``.
        agent: acts; its weights are replaced as newer ones come.
        follower: brings the weights.
        seed: of the episodes.
        folder: where progress is kept from start to start; None keeps none.
        stop: asked at each step; True ends the episode where it is.
    """

    def __init__(
        self,
        env: Env,
        agent: Agent,
        follower: WeightsFollower,
        *,
        seed: int,
        folder: Path | None,
        stop: Callable[[], bool],
    ) -> None:
        self._env = env
        self._agent = agent
        self._follower = follower
        self._seed = seed
        self._file = None if folder is None else folder / "actor.json"
        self._stop = stop
        self.progress = self._restored()
        self.on_step: Callable[[], None] = lambda: None
        """Called after each step."""
        self.remember: Callable[[Step], None] = lambda _: None
        """Called with each observation of a training episode and what led to it."""

    def train_episode(self, max_steps: int = 0) -> Episode:
        """Act with exploration until the episode is over, stopped, or ``max_steps`` are done."""
        self.progress.episodes += 1
        seed = episode_seed(self._seed, TRAINING, self.progress.episodes)
        self.save()
        return self._episode(seed, False, lambda: bool(max_steps) and self.steps >= max_steps)

    def evaluation_episode(self, number: int) -> Episode:
        """Act without exploration; evaluation's seeds are apart from those of training."""
        return self._episode(episode_seed(self._seed, EVALUATION, number), True, lambda: False)

    @property
    def steps(self) -> int:
        """Training steps taken over all starts."""
        return self.progress.steps

    def save(self) -> None:
        """Write the progress, whole or not at all; a failing disk stops no arm."""
        if self._file is None:
            return
        temporary = self._file.with_suffix(".new")
        try:
            temporary.write_text(json.dumps(asdict(self.progress)))
            temporary.replace(self._file)
        except OSError:
            temporary.unlink(missing_ok=True)

    def take_weights(self) -> None:
        """Act with the newest weights from now on."""
        ready = self._follower.take()
        if ready is not None:
            _, unpacked = ready
            self._agent.load_acting_state(unpacked.tensors)
            self._agent.load_acting_values(unpacked.acting)
            self.progress.steps = max(self.progress.steps, unpacked.steps)

    def _episode(self, seed: int, evaluate: bool, enough: Callable[[], bool]) -> Episode:
        obs, _ = self._env.reset(seed=seed)
        number = int(getattr(self._env.unwrapped, "episode", 0) or 0)
        total, length, success, over = 0.0, 0, False, False
        if not evaluate:
            pixels, state = split(obs)
            self.remember(Step(number, 0, pixels, state=state))
        while not (over or self._stop() or enough()):
            self.take_weights()
            pixels, state = split(obs)
            action = self._agent.act(pixels, state, step=self.steps, evaluate=evaluate)
            obs, reward, terminated, truncated, info = self._env.step(action)
            total, length = total + float(reward), length + 1
            success, over = bool(info.get("success", False)), terminated or truncated
            if not evaluate:
                self.progress.steps += 1
                pixels, state = split(obs)
                self.remember(
                    Step(
                        number,
                        length,
                        pixels,
                        action,
                        float(reward),
                        terminated,
                        truncated,
                        bool(info.get("valid", True)),
                        success,
                        state,
                    )
                )
            self.on_step()
        return Episode(total, length, success, over)

    def _restored(self) -> ActorProgress:
        if self._file is None or not self._file.exists():
            return ActorProgress()
        try:
            return ActorProgress(**json.loads(self._file.read_text()))
        except (ValueError, TypeError):
            return (
                ActorProgress()
            )  # written by something else; the learner's weights tell the steps
