"""Training over any gymnasium environment, synchronous or asynchronous.

Synchronous: an action is chosen; then the update that the previous step asks for is done; then the
result of the action is received. An environment that moves by itself does so during it. The
order is always the same, so two runs with one seed are bit-identical, over topics and in process
alike, and so is a run that was killed and resumed. Asynchronous: the agent learns in a thread while
the environment moves, up to a limit on updates per step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mentor_common.env.named_failures import EnvironmentFailedError
from mentor_policy.replay import Step
from mentor_policy.replay.bag_steps import BagSteps
from mentor_policy.training.background import BackgroundLearner
from mentor_policy.training.backoff import Backoff, GivenUpError
from mentor_policy.training.begin_with_bags import (
    begin_with_bags,
    learn_offline,
    refuse_without_bags,
)
from mentor_policy.training.choosing import WeightsName, choose
from mentor_policy.training.environment import Env, Pixels, State
from mentor_policy.training.evaluation import Evaluation, evaluate
from mentor_policy.training.progress import Progress
from mentor_policy.training.requests import TrainingRequests
from mentor_policy.training.rollout import Episode, Rollout
from mentor_policy.training.run import Run
from mentor_policy.training.run_folder import RunFolder, RunFolderError
from mentor_policy.training.seeds import TRAINING, episode_seed

CHECKPOINT_SECONDS = 120.0
"""Wall time after which an asynchronous run saves what it has learned at the next episode's end,
and any run what it has learned from bags before its first step."""


@dataclass
class Evaluated:
    """Evaluations so far: agent steps and outcomes."""

    steps: list[int] = field(default_factory=list)
    results: list[Evaluation] = field(default_factory=list)


class Trainer:
    """Trains an agent.

    Where the environment may be lost, as a cell may, training continues with a new episode when it
    is back. The episode that was broken off stays in the replay as far as it went: its last step
    bootstraps, as after a truncation. It has no return, so it is not admitted to S_top.

    Args:
        env: to train in.
        folder: folder of the run; resumed if there is a run in it.
        evaluation_env: to evaluate in; None evaluates in ``env`` between two episodes.
        progress: shows how far it is; None for a bar on the terminal.
        lost: errors of the environment after which a reset is tried.

    Raises:
        CheckpointError, ReplayError, RunFolderError: the folder's content does not fit or is
            damaged; nothing in it was changed.
    """

    def __init__(
        self,
        env: Env,
        folder: RunFolder,
        evaluation_env: Env | None = None,
        progress: Progress | None = None,
        lost: tuple[type[Exception], ...] = (),
    ) -> None:
        if folder.finished is not None:
            raise RunFolderError(f"run folder {folder.path} is complete: nothing is left to do")
        self.stop = False
        """Set it to end the run after the step that is under way."""
        self.requests = TrainingRequests()
        self.evaluated = Evaluated()
        self.times_lost = 0
        """How often the environment was lost."""
        self._train = train = folder.config.train
        self._env = env
        self._evaluation_env = evaluation_env or env
        self._lost = lost
        lockstep = not train.asynchronous
        self.run = run = Run(folder, rewind=lockstep, progress=progress, further=self._position)
        self._weights = WeightsName(folder.path.name)
        saved = run.restored
        self._number = int(saved.get("number", saved.get("episode", 0)))
        if not lockstep:
            self._number = max(self._number, run.ring.latest_episode() + 1)
        self._steps_into = int(saved.get("episode_step", 0)) if lockstep else 0
        if lockstep and not self._steps_into and run.ring.latest_step(self._number) == 0:
            # It was stopped between a reset and the first step: the episode's reset comes anew.
            run.ring.truncate(run.ring.count - 1)
        # Where training and evaluation share a cell, the first evaluation waits for some learning.
        first = run.schedule.evaluation_interval if self._evaluation_env is env else 0
        self._next_evaluation = int(saved.get("next_evaluation", first))
        self._episode: Episode | None = None
        self._backoff = Backoff()
        self._rollout = Rollout(env, self._act, self._seen, self._learn, self._go_on)
        self._background: BackgroundLearner | None = None
        if train.asynchronous and train.learn:
            self._background = BackgroundLearner(run.update, lambda: self.stop)
            run.exclusive = self._background.exclusive
            self._before = run.updates - run.offline_updates

    def begin_with(self, steps: BagSteps, updates: int = 0) -> None:
        """Give a new run the steps of bags, see :func:`begin_with_bags`.

        A run that is resumed has them already: nothing is done.

        Args:
            steps: of the bags.
            updates: to be done, as the training begins, before the first step.
        """
        run = self.run
        if not run.ring.count and not run.restored:
            begin_with_bags(run, steps)
            run.offline_wanted = updates
            self._number = run.ring.latest_episode() + 1
            run.save()
        run.folder.awaits_bags.unlink(missing_ok=True)

    def learn_offline(self, until: int | None = None) -> bool:
        """Do the updates on bags that are due before the first step, or the first ``until`` of
        them; False if it was stopped before.
        """
        wanted = self.run.offline_wanted if until is None else until
        learn_offline(self.run, wanted, self._unless_stopped, CHECKPOINT_SECONDS)
        return not self.stop

    def train(self) -> dict[str, Any]:
        """Train to the end, or until :attr:`stop`.

        Returns:
            A summary, also written to the folder.

        Raises:
            NonFiniteGradientError: the run ends; the newest checkpoint is from before it.
            ReplayDiskFullError, CheckpointError: the disk; what was saved stays.
            GivenUpError, EnvironmentFailedError: the environment; a checkpoint is written before.
        """
        try:
            self.advance(self.run.schedule.last_step)
            return self._finish()
        except (EnvironmentFailedError, GivenUpError):
            self.run.save()
            raise
        finally:
            self.close()

    def advance(self, until: int) -> None:
        """Train until so many steps are done in all, or until :attr:`stop`.

        Raises:
            as :meth:`train`.
        """
        refuse_without_bags(self.run)
        self._until = min(until, self.run.schedule.last_step)
        self.learn_offline()
        while self._go_on():
            try:
                if self._episode is None:
                    self._episode = self._begin()
                episode = self._episode
                if episode is not None and self._rollout.play(episode).over:
                    self._episode = None
                    if episode.fault is not None:
                        self._wait("a reset is tried", episode.fault)
            except self._lost as error:
                self._break_off(error)

    def close(self) -> None:
        """Stop learning, and close the run."""
        if self._background is not None:
            self._background.close()
        self.run.close()

    def _go_on(self) -> bool:
        return self._unless_stopped() and self.run.steps < self._until

    def _unless_stopped(self) -> bool:
        self.requests.wait(lambda: self.stop)
        return not self.stop

    def _act(self, pixels: Pixels, state: State) -> npt.NDArray[np.float32]:
        # Beside an update: acting has randomness of its own, and weights that are half of one
        # update and half of the next differ by less than the learning rate.
        run = self.run
        return choose(
            run.agent, self._env, pixels, state, step=run.steps, evaluate=False,
            weights=self._weights,
        )  # fmt: skip

    def _learn(self) -> None:
        """Do the updates that the newest step asks for, synchronously."""
        if self._background is None:
            while self.run.due and self.run.update():
                pass

    def _allow(self) -> None:
        """Allow as many updates as the steps so far ask for, asynchronously."""
        if self._background is not None:
            run = self.run
            self._background.allow(run.schedule.updates_allowed(run.steps) - self._before)

    def _seen(self, step: Step) -> None:
        """Take a step of training."""
        run = self.run
        run.append(step)
        if not step.step:
            return
        if step.valid:
            self._backoff.reset()
        self._allow()
        if run.all_steps_taken:  # no action follows to run the update beside
            self._learn()
        over = step.terminated or step.truncated
        if over:
            self._number += 1
            self.stop = self.stop or self.requests.stop_after_episode
        self._steps_into = 0 if over else step.step
        run.end_episodes()
        by_the_clock = over and self._background is not None
        run.log_and_save(CHECKPOINT_SECONDS if by_the_clock else math.inf)

    def _begin(self) -> Episode | None:
        """Begin an episode, or continue that of the checkpoint; None if it was stopped."""
        if self._steps_into:
            episode = self._repeated(self._steps_into)
            if episode is not None:
                return episode
        run = self.run
        due = self._train.eval_every_frames and run.steps >= self._next_evaluation
        if (self.requests.evaluation_due() or due) and self._evaluate():
            self._next_evaluation = run.steps + run.schedule.evaluation_interval
        if self._background is not None and self._train.updates_behind:
            self._background.drain(self._train.updates_behind)
        self._steps_into = 0
        if self.stop:  # whoever stops it may have closed the environment already
            return None
        return self._rollout.begin(self._seed(), self._number)

    def _seed(self) -> int:
        return episode_seed(self._train.seed, TRAINING, self._number)

    def _repeated(self, steps: int) -> Episode | None:
        """Repeat the actions of the episode that a checkpoint was made in; None if it differs."""
        ring = self.run.ring
        repeat = Rollout(self._env, lambda *_: next(actions))
        numbers = range(ring.count - steps, ring.count)
        actions = iter([ring.records[ring.slot(number)]["action"].copy() for number in numbers])
        repeat.go_on = lambda: episode.length < steps
        episode = repeat.begin(self._seed(), self._number)
        repeat.play(episode)
        if np.array_equal(episode.pixels, ring.observation(ring.count - 1)):
            return episode
        self.run.progress.log(
            "the environment did not repeat the episode that the checkpoint was made in; "
            "a new one begins, and this run is not the same to the bit as one without a break"
        )
        self._number += 1
        return None

    def _break_off(self, error: Exception) -> None:
        """Leave the running episode, and wait a while before the next reset."""
        if self.stop:  # the environment may be closed by now
            return
        if self._steps_into or self.run.ring.latest_step(self._number) >= 0:
            self._number += 1
        self._episode, self._steps_into = None, 0
        self._wait("environment lost, a reset is tried", error)

    def _wait(self, what: str, error: Exception) -> None:
        self.times_lost += 1
        self.run.progress.log(f"{what}: {error}")
        self._backoff.wait(lambda: self.stop, error)

    def _evaluate(self) -> bool:
        """Evaluate the agent; False if it was stopped before the last episode was over."""
        run, train = self.run, self._train
        video = run.folder.video(run.steps) if train.video else None
        result: Evaluation | None = None
        while result is None:
            try:
                with run.exclusive():
                    result = evaluate(
                        run.agent, self._evaluation_env, train.eval_episodes, seed=train.seed,
                        step=run.steps, video=video, stop=lambda: self.stop, weights=self._weights,
                    )  # fmt: skip
            except InterruptedError:
                return False
            except self._lost as error:
                self._wait("environment lost, the evaluation begins again", error)
        if len(result.returns) < train.eval_episodes:
            return False
        self._backoff.reset()
        self.evaluated.steps.append(run.steps)
        self.evaluated.results.append(result)
        run.log_evaluation(result)
        low, high = result.interval
        run.progress.log(
            f"step {run.steps}: evaluation over {len(result.returns)} episodes: "
            f"return {result.mean:.1f} +- {result.std:.1f}, "
            f"success {result.success:.2f} (95 %: {low:.2f} to {high:.2f})"
        )
        return True

    def _position(self) -> dict[str, int]:
        """Return where the run is in its episode, for checkpoints."""
        return {
            "number": self._number,
            "episode_step": self._steps_into,
            "next_evaluation": self._next_evaluation,
        }

    def _finish(self) -> dict[str, Any]:
        run = self.run
        complete = run.all_steps_taken
        if self._background is not None and complete:
            self._allow()  # what a run that was stopped here still owes
            if self._train.updates_behind:
                complete = self._background.drain()
            else:  # an arm that waits for nobody: what is evaluated is what is saved
                self._background.close()
        if complete and run.steps not in self.evaluated.steps:
            run.save()  # nothing is lost where the evaluation is cut off
            complete = not self.stop and self._evaluate()
        steps, results = self.evaluated.steps, self.evaluated.results
        last = results[-1] if results else None
        video = run.folder.video(steps[-1]) if steps else None
        return run.finish(
            complete,
            **{
                "evaluated_at": steps[-1] if steps else None,
                "return": None if last is None else last.mean,
                "success": None if last is None else last.success,
                "success_interval": None if last is None else last.interval,
                "video": str(video) if video is not None and video.exists() else None,
            },
        )
