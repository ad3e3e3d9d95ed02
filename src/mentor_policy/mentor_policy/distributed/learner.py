"""The learning half of a split training: steps in, updates out, at most so many for each step."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Any

import numpy as np

from mentor_policy.agents.base import Agent
from mentor_policy.config import Config
from mentor_policy.distributed.episodes import FinishedEpisode, finished_episodes, steps_in
from mentor_policy.replay import ReplayError, ReplayRing, Step
from mentor_policy.training.learner import Learner

RECENT = 20
"""Episodes over which success is averaged."""

Ended = tuple[FinishedEpisode, dict[str, float]]
"""An ended episode and what the agent reports about it."""


class StreamLearner:
    """Learns from a ring that a stream fills.

    What the ring holds is the truth: environment steps, finished episodes and their returns are
    read from it, so a learner that was killed counts nothing twice and forgets nothing.

    Args:
        config: of the run.
        agent: learns; its updates count from where it was restored.
        ring: replay, filled by :meth:`take` alone.
    """

    def __init__(self, config: Config, agent: Agent, ring: ReplayRing) -> None:
        train = config.train
        self.agent = agent
        self.ring = ring
        self.steps = 0
        """Environment steps in the ring or gone through it."""
        self.episodes = 0
        """Finished training episodes."""
        self.last_return = float("nan")
        self._seed_steps = train.seed_frames // train.action_repeat
        self._update_every = train.update_every
        self._noticed = 0  # number of the first record that is not yet counted
        self._successes: deque[float] = deque(maxlen=RECENT)
        self._idle = 0.0
        self._asked = time.monotonic()
        self.learner = Learner(config, agent, ring)

    def take(self, step: Step) -> list[Ended]:
        """Put a step into the ring; nothing if the ring has it already.

        Returns:
            The episode that it ends, if it does.

        Raises:
            ReplayError: the step does not fit, or the disk is full; the ring is as it was.
        """
        return self.notice() if self.ring.append(step) else []

    def notice(self) -> list[Ended]:
        """Count what the ring has more than was counted, and tell the agent of ended episodes."""
        reports: list[Ended] = []
        for episode in finished_episodes(self.ring, self._noticed):
            self.steps += steps_in(self.ring, self._noticed, episode.end + 1)
            self._noticed = episode.end + 1
            self.episodes += 1
            self._successes.append(float(episode.success))
            report: dict[str, float] = {}
            if episode.whole:
                self.last_return = episode.total
                report = self.agent.end_episode(episode.total, self.steps)
            reports.append((episode, report))
        self.steps += steps_in(self.ring, self._noticed, self.ring.count)
        self._noticed = self.ring.count
        return reports

    @property
    def updates(self) -> int:
        """Gradient updates done."""
        return self.learner.updates

    @property
    def due(self) -> int:
        """Updates that the steps so far allow and that have not been done: the cap."""
        return max(0, self.steps - self._seed_steps) // self._update_every - self.updates

    def learn(self) -> bool:
        """Do one update if one is due; False if none is, or there is nothing to learn from yet.

        Raises:
            NonFiniteGradientError: see :meth:`Agent.update`.
        """
        if self.due <= 0:
            return False
        try:
            self.learner.update(self.steps)
        except ReplayError:
            return False  # steps, but not yet n of them in a row
        return True

    def idled(self, seconds: float) -> None:
        """Take note of time in which there was nothing to do."""
        self._idle += seconds

    def idle_share(self) -> float:
        """Share of the time since the last call that was idle, 0 to 1."""
        now = time.monotonic()
        share = self._idle / max(now - self._asked, 1e-9)
        self._idle, self._asked = 0.0, now
        return min(share, 1.0)

    @property
    def success(self) -> float:
        """Success rate of the last episodes, NaN before the first."""
        return float(np.mean(self._successes)) if self._successes else float("nan")

    def metrics(self) -> dict[str, float]:
        """Scalars of the last update by name."""
        statistics = self.learner.statistics
        scalars = {name: tensor for name, tensor in statistics.items() if tensor.ndim == 0}
        return {name: float(tensor) for name, tensor in scalars.items()}

    def state(self) -> dict[str, Any]:
        """What resuming needs beside agent and ring, JSON-able."""
        return {
            "step": self.steps,
            "episode": self.episodes,
            "learner": self.learner.state(),
            "noticed": self._noticed,
            "last_return": None if math.isnan(self.last_return) else self.last_return,
            "successes": list(self._successes),
        }

    def load_state(self, values: dict[str, Any]) -> list[Ended]:
        """Take over what :meth:`state` gave; what the ring has more is noticed at once.

        Raises:
            ValueError: a value is missing or no number, or the ring is older than the checkpoint.
        """
        try:
            steps, episodes, noticed = (int(values[k]) for k in ("step", "episode", "noticed"))
            learner = dict(values["learner"])
            last = values["last_return"]
            successes = [float(value) for value in values["successes"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"the learner's checkpoint is damaged: {error!r}") from error
        if noticed > self.ring.count:
            raise ValueError(
                f"the checkpoint was made with {noticed} records in the replay, but "
                f"{self.ring.folder} holds {self.ring.count}: they do not belong together"
            )
        self.learner.load_state(learner, exact=False)
        self.steps, self.episodes, self._noticed = steps, episodes, noticed
        self.last_return = float("nan") if last is None else float(last)
        self._successes = deque(successes, maxlen=RECENT)
        return self.notice()

    def close(self) -> None:
        """Stop drawing batches and close the ring."""
        self.learner.close()
        self.ring.sync()
        self.ring.close()
