"""The learning half of a split training: a run whose steps come over the topics."""

from __future__ import annotations

import math
import time
from typing import Any

from mentor_policy.config import config_to_dict
from mentor_policy.distributed.publication import Publication
from mentor_policy.distributed.weights import Weights
from mentor_policy.replay import Step
from mentor_policy.training.begin_with_bags import refuse_without_bags
from mentor_policy.training.progress import Progress
from mentor_policy.training.run import Run
from mentor_policy.training.run_folder import RunFolder


class LearnerRun:
    """Learns from steps that are passed to it; may be killed at any time.

    What happened is read from the ring, so a learner that was killed counts nothing twice and loses
    nothing.

    Args:
        folder: folder of the run; resumed if there is a run in it.
        checkpoint_every: seconds from one checkpoint to the next.
        progress: shows how far it is.

    Raises:
        ReplayError, CheckpointError, WeightsError: the folder's content does not fit, is damaged,
            or cannot be written; nothing in it was changed.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        checkpoint_every: float,
        progress: Progress,
    ) -> None:
        self._every = checkpoint_every
        self._published = -1  # updates behind the newest publication
        self._published_at = -math.inf
        self._episode_over = False
        self.publication = Publication(folder.path, config_to_dict(folder.config)["agent"])
        self.run = Run(folder, rewind=False, progress=progress)
        refuse_without_bags(self.run)

    @property
    def complete(self) -> bool:
        """Whether all steps have arrived and all updates that they allow are done."""
        return self.run.all_steps_taken and not self.run.due

    def take(self, step: Step) -> None:
        """Put a step into the replay; one that is there already changes nothing.

        Raises:
            ReplayError: it does not fit, or the disk is full.
        """
        if self.run.append(step):
            self._episode_over = step.terminated or step.truncated
        self.run.end_episodes()

    def learn(self) -> bool:
        """Do an update if one is due, and a checkpoint if it is time for one.

        Returns:
            Whether an update was done.

        Raises:
            NonFiniteGradientError, CheckpointError: the checkpoints before stay.
        """
        run = self.run
        learned = bool(run.due) and run.update()
        run.log_and_save(self._every)
        if learned:
            run.progress.learn(run.updates, run.due)
        return learned

    def publication_due(self, period: float) -> bool:
        """Return whether weights are to be published: each ``period`` seconds, and once an episode.

        An actor that is to wait for the learner waits between two episodes: it gets the weights as
        soon as all updates that its steps allow are done.
        """
        if self._published == self.run.updates:
            return False
        caught_up = self._episode_over and not self.run.due
        return caught_up or time.monotonic() - self._published_at >= period

    def weights(self) -> Weights:
        """Return the acting weights as they are now, under the next version."""
        run = self.run
        self._published, self._published_at = run.updates, time.monotonic()
        return self.publication.next(run.agent, update=run.updates, steps=run.steps)

    def finish(self) -> dict[str, Any]:
        """Write checkpoint, curve and summary; return the summary."""
        return self.run.finish(self.complete)

    def close(self) -> None:
        """Close the run."""
        self.run.close()
