"""The acting half of a split training: follows the learner's weights, never waits for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mentor_common.files.json_file import read_json, write_json
from mentor_policy.distributed.follower import WeightsFollower
from mentor_policy.replay import Step
from mentor_policy.training.choosing import UNNAMED, WeightsName, choose
from mentor_policy.training.environment import Env, Pixels, State
from mentor_policy.training.evaluation import Evaluation, evaluate
from mentor_policy.training.rollout import Episode, Rollout, nothing
from mentor_policy.training.seeds import TRAINING, episode_seed

if TYPE_CHECKING:
    from mentor_policy.agents.base import Agent


@dataclass
class ActorProgress:
    """What an actor node has done, over all its starts."""

    steps: int = 0  # of training
    episodes: int = 0  # of training, begun
    evaluated_at: int = 0  # steps at which the last evaluation was


class Actor:
    """Acts in an environment with the newest weights that it has. Not the network of that name.

    Args:
        env: observations ``(C, H, W) uint8``, or a dict of ``image`` and ``state``.
        agent: acts; its weights are replaced as newer ones come.
        follower: brings the weights.
        seed: seed of the episodes.
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
        self._weights = UNNAMED
        self.progress = self._restored()
        self._saved = asdict(self.progress) if self._file and self._file.exists() else None
        self.on_step: Callable[[], None] = nothing
        """Called after each training step."""
        self.on_refusal: Callable[[str], None] = nothing
        """Called with the reason why weights were not taken."""
        self.log_step: Callable[[Step], None] = nothing
        """Called with each observation of a training episode and what led to it."""

    def train_episode(self, max_steps: int = 0) -> Episode:
        """Act with exploration until the episode is over, stopped, or ``max_steps`` are done."""
        self.progress.episodes += 1
        seed = episode_seed(self._seed, TRAINING, self.progress.episodes)
        self.save()

        def seen(step: Step) -> None:
            self.log_step(step)
            if step.step:
                self.progress.steps += 1
                self.on_step()

        def go_on() -> bool:
            return not (self._stop() or (max_steps and self.steps >= max_steps))

        rollout = Rollout(self._env, self._explore, on_step=seen, go_on=go_on)
        return rollout.play(rollout.begin(seed))

    def evaluate(self, episodes: int) -> Evaluation:
        """Act without exploration, with the weights that are the newest now.

        Raises:
            InterruptedError: stopped before the last episode was over.
        """
        self.take_weights()
        result = evaluate(
            self._agent,
            self._env,
            episodes,
            seed=self._seed,
            step=self.steps,
            stop=self._stop,
            weights=self._weights,
        )
        if len(result.returns) < episodes:
            raise InterruptedError(f"stopped after {len(result.returns)} of {episodes} episodes")
        self.progress.evaluated_at = self.steps
        return result

    @property
    def steps(self) -> int:
        """Training steps taken over all starts."""
        return self.progress.steps

    def save(self) -> None:
        """Write the progress, whole or not at all; a failing disk stops no arm."""
        progress = asdict(self.progress)
        if self._file is None or progress == self._saved:
            return
        with suppress(OSError):
            write_json(self._file, progress)
            self._saved = progress

    def take_weights(self) -> None:
        """Act with the newest weights from now on."""
        ready = self._follower.take()
        if ready is not None:
            weights, unpacked = ready
            try:
                self._agent.load_acting_values(unpacked.acting)
            except ValueError as error:  # sent by somebody else; the weights in use stay
                self.on_refusal(f"{weights}: {error}")
                return
            self._agent.load_acting_state(unpacked.tensors)
            self._weights = WeightsName(weights.run_id, weights.version, weights.sha256)
            self.progress.steps = max(self.progress.steps, unpacked.steps)

    def _explore(self, pixels: Pixels, state: State) -> npt.NDArray[np.float32]:
        self.take_weights()
        return choose(
            self._agent, self._env, pixels, state, step=self.steps, evaluate=False,
            weights=self._weights,
        )  # fmt: skip

    def _restored(self) -> ActorProgress:
        try:
            return ActorProgress() if self._file is None else ActorProgress(**read_json(self._file))
        except (FileNotFoundError, ValueError, TypeError):
            return ActorProgress()  # of something else; the learner's weights carry the steps
