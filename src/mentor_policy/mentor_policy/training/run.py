"""A run: its folder, agent, replay, checkpoints and logs, whatever provides the steps.

The trainer holds one while it acts in an environment, the learner node while the steps come over
the topics. What has happened is read from the ring: steps, finished episodes and their returns.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from mentor_policy.agents import make_agent
from mentor_policy.config import config_to_dict
from mentor_policy.replay import ReplayRing, Step
from mentor_policy.replay.episodes import FinishedEpisode, finished_episodes, steps_in
from mentor_policy.training.checkpoint import (
    Checkpoint,
    CheckpointError,
    older_whole,
    read_checkpoint,
    save_checkpoint,
)
from mentor_policy.training.checkpoint_folders import folders
from mentor_policy.training.curve import curve_drawn_beside
from mentor_policy.training.evaluation import Evaluation
from mentor_policy.training.learner import Learner, open_ring
from mentor_policy.training.progress import Progress
from mentor_policy.training.recent import Recent
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.run_log import RunLog
from mentor_policy.training.schedule import Schedule
from mentor_policy.training.stopwatch import IdleShare, Stopwatch
from mentor_policy.training.top_performer_files import TopPerformerFiles

MARGIN = 256
"""A checkpoint is written when only so many spare records of the ring are left."""


class Run:
    """Keeps a run: takes steps, learns from them, saves, logs, and sums up.

    Args:
        folder: folder of the run; resumed if there is a run in it.
        rewind: whether to go back to the newest checkpoint and forget what came after it, as if
            the run had never been interrupted; else no step that was stored is lost.
        progress: shows how far it is; None for a bar on the terminal.
        further: asked at each checkpoint for JSON values that it is to hold besides the run's own;
            they are found in :attr:`restored` when the run continues.

    Raises:
        CheckpointError, ReplayError: the folder's content does not fit or is damaged; nothing in
            it was changed.
    """

    def __init__(
        self, folder: RunFolder, *, rewind: bool, progress: Progress | None = None,
        further: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.config = config = folder.config
        self.shape = shape = folder.shape
        self.schedule = Schedule(config.train)
        self.steps = 0
        """Environment steps taken so far, those included that the ring has overwritten."""
        self.episodes = 0
        """Finished training episodes."""
        self.recent = Recent()
        self.learning = Stopwatch()
        """Runs during each update."""
        self.exclusive: Callable[[], AbstractContextManager[None]] = nullcontext
        """Entered while the agent is saved, evaluated or perturbed, not for acting: no updates."""
        self.restored: dict[str, Any] = {}
        """Progress in the checkpoint from which the run continues; empty for a new run."""
        self._rewind = rewind
        self._further = further
        self._top_files = TopPerformerFiles()
        self.offline_updates = self.offline_wanted = 0
        """Updates that were done, and that are to be done, before the first step."""
        self.counted = 0
        """Number of records of the ring whose ends of episodes have been counted."""
        self._next_checkpoint = self.schedule.after(0, config.train.checkpoint_every_frames)
        self._next_log = 0
        self._nothing_to_learn = -1  # the ring's count when it last had nothing to learn from
        self._saved_as: tuple[int, ...] = ()
        self._closed = False
        torch.set_num_threads(config.train.threads or torch.get_num_threads())
        self.agent = make_agent(config, shape, config.train.seed)
        self.ring = open_ring(folder.replay, config, shape)
        self.bags: ReplayRing | None = None
        """Ring of the bags that ``train.bag_share`` of each batch comes from."""
        self.learner = Learner(config, self.agent, self.ring)
        try:
            if folder.bag_replay.exists():
                self.learn_from(ReplayRing(folder.bag_replay, writable=False))
            self._restore()
        except BaseException:
            self._close_replay()
            raise
        self._saved_count = self.ring.count
        self._log = RunLog(folder.path, self.steps if rewind else None, config_to_dict(config))
        folder.write_config()
        self._saved_at = time.monotonic()
        self._began = self._saved_at - self._log.seconds
        self._idle = IdleShare(self.learning)
        self.progress = progress or Progress()
        self.progress.begin(*map(self.schedule.frames, (self.schedule.last_step, self.steps)))

    @property
    def updates(self) -> int:
        """Gradient updates done."""
        return self.learner.updates

    @property
    def all_steps_taken(self) -> bool:
        """Whether the replay has all the steps that the run is to have."""
        return self.steps >= self.schedule.last_step

    @property
    def due(self) -> int:
        """Updates that the steps so far allow and that have not been done; 0 where none can be."""
        if self._nothing_to_learn == self.ring.count:
            return 0
        online = self.updates - self.offline_updates
        return max(0, self.schedule.updates_allowed(self.steps) - online)

    @property
    def seconds(self) -> float:
        """Wall time spent on the run; of earlier processes, up to their last row in the CSVs."""
        return time.monotonic() - self._began

    def learn_from(self, bags: ReplayRing) -> None:
        """Take ``train.bag_share`` of every batch from a ring of bags, before the first update."""
        self.bags = bags
        self.learner.close()
        self.learner = Learner(self.config, self.agent, self.ring, bags)

    def append(self, step: Step) -> bool:
        """Put a step into the replay; return False if it is there already.

        Raises:
            ReplayError: it does not fit, or the disk is full; the ring is as it was.
        """
        if not self.ring.append(step):
            return False
        if step.step:
            self.steps += 1
            self.progress.step(self.config.train.action_repeat)
        return True

    def end_episodes(self) -> list[FinishedEpisode]:
        """Count and log the episodes that have ended, and report each whole one to the agent."""
        ended = list(finished_episodes(self.ring, self.counted))
        self.counted = self.ring.count
        for episode in ended:
            self.episodes += 1
            self.recent.add(episode.total, episode.success)
            happened: dict[str, float] = {}
            if episode.whole:  # S_top admits no other
                with self.exclusive():
                    happened = self.agent.end_episode(episode.total, self.steps)
            self.progress.episode(self.recent, self.agent.dormant_ratio)
            self._log_episode(episode)
            if happened:
                self._log.scalars(self.steps, happened)
        return ended

    def update(self) -> bool:
        """Do one update; return False if the replay holds no transition to learn from yet.

        Raises:
            NonFiniteGradientError: see :meth:`Learner.update`.
        """
        count = self.ring.count
        with self.learning:
            learned = self.learner.update(self.steps)
        if not learned:
            self._nothing_to_learn = count
        return learned

    def log_and_save(self, seconds: float = math.inf) -> bool:
        """Log what the newest update returned, and write a checkpoint, each where it is due.

        Args:
            seconds: wall time after the last checkpoint at which one is due, whatever the steps.

        Returns: whether a checkpoint was due.
        Raises: CheckpointError, see :meth:`save`.
        """
        if self.steps >= self._next_log:
            self._next_log = self.schedule.after(self.steps, self.config.train.log_every_frames)
            if statistics := self.learner.statistics:  # each update makes its own
                self._log.losses(self.steps, statistics)
        due = self._checkpoint_due(seconds)
        if due:
            self.save()
        return due

    def log_evaluation(self, result: Evaluation) -> None:
        """Log an evaluation of the agent as it is now."""
        frames = self.schedule.frames(self.steps)
        self._log.evaluation(self.steps, frames, result, self.seconds)

    def save(self) -> None:
        """Write a checkpoint, unless nothing has changed since the last one.

        Raises:
            CheckpointError: disk full or read-only; the older checkpoints are as they were.
        """
        self._saved_at = time.monotonic()
        if self._saved_as == self._stands_at():
            return
        folder, train = self.folder, self.config.train
        self._next_checkpoint = self.schedule.after(self.steps, train.checkpoint_every_frames)
        with self.exclusive():
            self.ring.sync()
            state = {**self._state(), **self._further()}
            save_checkpoint(
                folder.checkpoints, self.agent, self.config, folder.environment, self.shape, state,
                top_files=self._top_files, keep=train.keep_checkpoints,
            )  # fmt: skip
            self._saved_as = self._stands_at()
        self._saved_count = self.ring.count

    def finish(self, complete: bool, **further: Any) -> dict[str, Any]:
        """Write the last checkpoint, the curve and the summary; return the summary.

        Args:
            complete: nothing is left to do.
            further: what else the summary is to hold.

        Raises: CheckpointError, see :meth:`save`.
        """
        folder, agent = self.folder, self.config.agent.name
        task = folder.environment.get("task") or folder.environment.get("id", "")
        with curve_drawn_beside(folder.path, f"{agent} on {task}") as drawing:
            self.save()
        curve = drawing.result()
        summary = {
            "complete": complete,
            "environment": folder.environment,
            "agent": agent,
            "seed": self.config.train.seed,
            "step": self.steps,
            "frames": self.schedule.frames(self.steps),
            "episodes": self.episodes,
            "updates": self.updates,
            "seconds": self.seconds,
            "checkpoint": str(folders(folder.checkpoints)[-1]),
            "curve": None if curve is None else str(curve),
            **further,
        }
        folder.write_summary(summary)
        return summary

    def close(self) -> None:
        """Close everything but the folder's lock; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._close_replay()
        self._log.close()
        self.progress.close()

    def _close_replay(self) -> None:
        self.learner.close()
        for ring in (self.ring, self.bags):
            if ring is not None:
                ring.close()

    def _checkpoint_due(self, seconds: float) -> bool:
        if self.steps >= self._next_checkpoint or time.monotonic() - self._saved_at >= seconds:
            return True
        # The ring went round: a checkpoint must come before its spare records are used up.
        since, header = self.ring.count - self._saved_count, self.ring.header
        return self._rewind and self.ring.count > header.capacity and since > header.spare - MARGIN

    def _stands_at(self) -> tuple[int, ...]:
        return self.steps, self.updates, self.ring.count

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.steps,
            "episode": self.episodes,
            **self.learner.state(),
            "recent": self.recent.state(),
            "next_checkpoint": self._next_checkpoint,
            "next_log": self._next_log,
            "offline_updates": self.offline_updates,
            "offline_wanted": self.offline_wanted,
        }

    def _restore(self) -> None:
        """Go back to the newest checkpoint, if there is one."""
        found = folders(self.folder.checkpoints)
        if found:
            checkpoint = read_checkpoint(found[-1])
            try:
                self._load(checkpoint)
            except CheckpointError as error:
                raise CheckpointError(f"{error}{older_whole(found[-1], self.agent)}") from error
        elif self._rewind or self.folder.awaits_bags.exists():
            self.ring.truncate(0)
        count = int(self.restored.get("ring_count", 0))
        for episode in finished_episodes(self.ring, count):
            # Its weights are gone: it counts, but it is not admitted to S_top.
            self.episodes += 1
            self.recent.add(episode.total, episode.success)
        self.steps += steps_in(self.ring, count, self.ring.count)
        self.counted = self.ring.count

    def _load(self, checkpoint: Checkpoint) -> None:
        # Checkpoints of version 1 have these values under "learner".
        saved = {**checkpoint.progress, **checkpoint.progress.get("learner", {})}
        try:
            checkpoint.load_into(self.agent, self._top_files)
            self.steps, self.episodes = int(saved["step"]), int(saved["episode"])
            self.learner.load_state(saved, rewind=self._rewind)
            self.recent.load_state(saved.get("recent", {}))
            self._next_checkpoint = int(saved.get("next_checkpoint", self._next_checkpoint))
            self._next_log = int(saved.get("next_log", 0))
            self.offline_updates = int(saved.get("offline_updates", 0))
            self.offline_wanted = int(saved.get("offline_wanted", self.offline_updates))
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"checkpoint {checkpoint.folder}: its progress is damaged ({error!r})"
            ) from error
        self.restored = saved
        self._saved_as = (self.steps, self.updates, int(saved["ring_count"]))

    def _log_episode(self, episode: FinishedEpisode) -> None:
        self._log.episode(
            self.steps,
            {
                "frames": self.schedule.frames(self.steps),
                "episode": self.episodes - 1,
                "episode_return": episode.total,
                "success": episode.success,
                "length": episode.length,
                "updates": self.updates,
                "dormant_ratio": self.agent.dormant_ratio,
                "frames_per_second": self.progress.frames_per_second,
                "learner_idle": self._idle.read(),
                "seconds": self.seconds,
            },
        )
