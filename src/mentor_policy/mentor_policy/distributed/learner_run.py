"""A run of the learning half: its folder, checkpoints, logs and publications around the learner."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mentor_policy.agents import make_agent
from mentor_policy.config import Config, config_to_dict
from mentor_policy.distributed.learner import Ended, StreamLearner
from mentor_policy.distributed.publication import Publication
from mentor_policy.distributed.weights import Weights
from mentor_policy.replay import Step
from mentor_policy.training.checkpoint import folders, read_checkpoint, save_checkpoint
from mentor_policy.training.curve import draw_curve
from mentor_policy.training.environment import Shape
from mentor_policy.training.learner import open_ring
from mentor_policy.training.member_files import MemberFiles
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.run_log import RunLog


class LearnerRun:
    """Learns from steps that are handed to it, and survives being killed at any moment.

    Args:
        config: of the run.
        path: of its folder; resumed if there is a run in it.
        environment: what the folder notes of the environment.
        shape: of the environment.
        checkpoint_every: seconds from one checkpoint to the next.

    Raises:
        RunFolderError, ReplayError, CheckpointError, WeightsError: the folder does not fit, is in
            use, damaged, or cannot be written; nothing in it was changed.
    """

    def __init__(
        self,
        config: Config,
        path: Path,
        environment: dict[str, Any],
        shape: Shape,
        *,
        checkpoint_every: float,
    ) -> None:
        self.config = config
        self.environment = environment
        self.shape = shape
        self.folder = RunFolder(path, config, environment, shape)
        train = config.train
        self.last_step = -(-train.frames // train.action_repeat)
        agent = make_agent(config, shape.layout, shape.state_size, shape.action_size, train.seed)
        ring = open_ring(self.folder.replay, config, shape)
        self.learner = StreamLearner(config, agent, ring)
        self._members = MemberFiles(self.folder.checkpoints)
        self._log = RunLog(path, None, config_to_dict(config))
        self._began = time.monotonic()
        self.on_episode: Callable[[Ended], None] = lambda _: None
        """Called with each training episode that has ended."""
        found = folders(self.folder.checkpoints)
        if found:
            checkpoint = read_checkpoint(found[-1])
            checkpoint.load_into(agent, self._members)
            self._ended(self.learner.load_state(checkpoint.progress))
        else:
            self._ended(self.learner.notice())
        self.publication = Publication(path, config_to_dict(config)["agent"])
        self._every = checkpoint_every
        self._saved = time.monotonic()
        self._saved_as = (-1, -1)
        self._logged = self.learner.steps

    @property
    def complete(self) -> bool:
        """All steps have come and all updates that they allow are done."""
        return self.learner.steps >= self.last_step and self.learner.due <= 0

    def take(self, step: Step) -> None:
        """Put a step into the replay; one that is there already changes nothing.

        Raises:
            ReplayError: it does not fit, or the disk is full.
        """
        self._ended(self.learner.take(step))

    def learn(self) -> bool:
        """Do an update if one is due, and a checkpoint if it is time for one.

        Raises:
            NonFiniteGradientError, CheckpointError: the checkpoints before stay.
        """
        learned = self.learner.learn()
        if time.monotonic() - self._saved >= self._every:
            self.save()
        every = -(-self.config.train.log_every_frames // self.config.train.action_repeat)
        if learned and self.learner.steps >= self._logged + every:
            self._logged = self.learner.steps
            self._log.losses(self.learner.steps, self.learner.learner.statistics)
        return learned

    def save(self) -> None:
        """Write a checkpoint, unless nothing has changed since the last one."""
        learner = self.learner
        self._saved = time.monotonic()
        if self._saved_as == (learner.steps, learner.updates):
            return
        learner.ring.sync()
        save_checkpoint(
            self.folder.checkpoints,
            learner.agent,
            self.config,
            self.environment,
            self.shape,
            learner.state(),
            members=self._members,
            keep=self.config.train.keep_checkpoints,
        )
        self._saved_as = (learner.steps, learner.updates)

    def weights(self) -> Weights:
        """The acting weights as they are now, under the next version."""
        learner = self.learner
        return self.publication.next(learner.agent, update=learner.updates, steps=learner.steps)

    def finish(self) -> dict[str, Any]:
        """Write checkpoint, curve and summary; gives the summary."""
        learner = self.learner
        self.save()
        name = f"{self.config.agent.name} on {self.environment.get('id', '')}"
        curve = draw_curve(self.folder.path, name)
        summary = {
            "complete": self.complete,
            "environment": self.environment,
            "agent": self.config.agent.name,
            "step": learner.steps,
            "episodes": learner.episodes,
            "updates": learner.updates,
            "checkpoint": str(folders(self.folder.checkpoints)[-1]),
            "curve": None if curve is None else str(curve),
        }
        self.folder.write_summary(summary)
        return summary

    def close(self) -> None:
        """Close everything; the folder is free for another learner."""
        self._members.close()
        self.learner.close()
        self._log.close()
        self.folder.close()

    def _ended(self, ended: list[Ended]) -> None:
        learner = self.learner
        if ended:
            self._members.stage(learner.agent.state()[0])
        for episode, report in ended:
            self._log.episode(
                learner.steps,
                {
                    "frames": learner.steps * self.config.train.action_repeat,
                    "episode": learner.episodes,
                    "episode_return": episode.total if episode.whole else float("nan"),
                    "success": episode.success,
                    "length": episode.length,
                    "updates": learner.updates,
                    "dormant_ratio": learner.agent.dormant_ratio,
                    "frames_per_second": None,
                    "learner_idle": None,
                    "seconds": time.monotonic() - self._began,
                },
            )
            if report:
                self._log.scalars(learner.steps, report)
            self.on_episode((episode, report))
