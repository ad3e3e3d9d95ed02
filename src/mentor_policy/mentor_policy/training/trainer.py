"""The one loop of training: over any gymnasium environment, in lockstep or asynchronous.

Lockstep: an action is chosen, then comes the update that the step before it asks for, then what the
action led to. An environment that moves by itself moves during that update; the order stays, so two
runs with one seed are the same to the bit, over topics and in process alike, and so is a run that
was killed and resumed. Asynchronous: the agent learns in a thread while the environment moves, up
to a cap on updates per step.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mentor_policy.agents import make_agent
from mentor_policy.config import Config, config_to_dict
from mentor_policy.replay import Step
from mentor_policy.replay.records import CONTEXT
from mentor_policy.training.background import BackgroundLearner
from mentor_policy.training.checkpoint import (
    Checkpoint,
    folders,
    older_whole,
    read_checkpoint,
    save_checkpoint,
)
from mentor_policy.training.curve import draw_curve
from mentor_policy.training.environment import Env, MovesByItself, Pixels, State, shape_of, split
from mentor_policy.training.evaluation import Evaluation, evaluate
from mentor_policy.training.learner import Learner, open_ring
from mentor_policy.training.member_files import MemberFiles
from mentor_policy.training.progress import Progress
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.run_log import RunLog
from mentor_policy.training.seeds import TRAINING, episode_seed
from mentor_policy.training.stopwatch import IdleShare, Stopwatch

MARGIN = 256
"""Records by which a checkpoint comes before the ring's spare ones are used up."""
CHECKPOINT_SECONDS = 120.0
"""Wall time after which an asynchronous run saves what it has learned at the next episode's end."""


@dataclass
class Counters:
    """Where a run stands; with agent and replay, all that resumption needs."""

    step: int = 0
    episode: int = 0
    episode_step: int = 0
    episode_return: float = 0.0
    next_evaluation: int = 0
    next_checkpoint: int = 0
    next_log: int = 0
    learned: int = 0
    """Step whose update was the last one, in lockstep."""


@dataclass
class Evaluated:
    """Evaluations so far: agent steps and outcomes."""

    steps: list[int] = field(default_factory=list)
    results: list[Evaluation] = field(default_factory=list)


class Trainer:
    """Trains an agent.

    Args:
        config: the run.
        env: to train in.
        environment: its gymnasium id and arguments, as the run's folder notes them.
        folder: of the run; resumed if there is a run in it.
        evaluation_env: to evaluate in; None evaluates in ``env`` between two episodes.
        progress: shows how far it is; None for a bar on the terminal.

    Raises:
        CheckpointError, ReplayError, RunFolderError: the folder's content does not fit or is
            damaged; nothing in it was changed.
    """

    def __init__(
        self,
        config: Config,
        env: Env,
        environment: dict[str, Any],
        folder: RunFolder,
        evaluation_env: Env | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.config = config
        self.folder = folder
        self.stop = False
        """Set it to end the run after the step that is under way."""
        self.counters = Counters()
        self.evaluated = Evaluated()
        self.learning = Stopwatch()
        """Runs while an update does."""
        self._train = config.train
        self._env = env
        self._evaluation_env = evaluation_env or env
        self._environment = environment
        self._shape = shape_of(env)
        torch.set_num_threads(self._train.threads or torch.get_num_threads())
        shape = self._shape
        self.agent = make_agent(
            config, shape.layout, shape.state_size, shape.action_size, self._train.seed
        )
        self.ring = open_ring(folder.replay, config, shape)
        self._members = MemberFiles(folder.checkpoints)
        self.learner = Learner(config, self.agent, self.ring)
        resumed = self._restore()
        self._finished = folder.finished(resumed) if resumed >= self._last_step else None
        self._saved_count = self.ring.count
        self._began = time.monotonic()
        self._log = RunLog(
            folder.path,
            resumed if self._exact else None,
            config_to_dict(config),
            evaluates_again=self._finished is None and self.counters.next_evaluation <= resumed,
        )
        self.progress = progress or Progress()
        self.progress.begin(self._frames(self._last_step), self._frames(self.counters.step))
        self._background: BackgroundLearner | None = None
        if self._train.asynchronous and self._train.learn:
            self._background = BackgroundLearner(
                lambda: self._update(self.counters.step), lambda: self.stop
            )
        self._idle = IdleShare(self.learning)
        self._saved_at = time.monotonic()
        self._updates_before = self.learner.updates

    def run(self) -> dict[str, Any]:
        """Train to the end, or until :attr:`stop`.

        Returns:
            A summary, also written to the folder.

        Raises:
            NonFiniteGradientError: the run ends; the newest checkpoint is from before it.
            ReplayDiskFullError, CheckpointError: the disk; what was saved stays.
        """
        try:
            if self._finished is not None:
                self.progress.say("this run is complete already; nothing is left to do")
                return self._finished
            obs, state = self._begin_or_go_on()
            while self.counters.step < self._last_step and not self.stop:
                obs, state = self._step(obs, state)
            return self._finish()
        finally:
            if self._background is not None:
                self._background.close()
            self._members.close()
            self.learner.close()
            self.ring.close()
            self._log.close()
            self.progress.close()

    @property
    def _exact(self) -> bool:
        return not self._train.asynchronous

    @property
    def _seed_steps(self) -> int:
        return self._train.seed_frames // self._train.action_repeat

    @property
    def _last_step(self) -> int:
        return -(-self._train.frames // self._train.action_repeat)

    @property
    def _evaluation_interval(self) -> int:
        frames = self._train.eval_every_frames or self._train.frames
        return -(-frames // self._train.action_repeat)

    def _frames(self, step: int) -> int:
        return step * self._train.action_repeat

    def _step(self, obs: Pixels, state: State) -> tuple[Pixels, State]:
        now = self.counters
        # Beside an update: acting has randomness of its own, and weights that are half of one
        # update and half of the next differ by less than the learning rate.
        action = self.agent.act(obs, state, step=now.step, evaluate=False)
        observation, reward, terminated, truncated, info = self._move(action)
        obs, state = split(observation)
        now.step += 1
        now.episode_step += 1
        now.episode_return += float(reward)
        success = bool(info.get("success", False))
        self.ring.append(
            Step(
                now.episode,
                now.episode_step,
                obs,
                np.asarray(action, np.float32),
                float(reward),
                terminated,
                truncated,
                bool(info.get("valid", True)),
                success,
                state,
            )
        )
        self._allow()
        if now.step >= self._last_step:  # no action follows that its update could run beside
            self._learn()
        self.progress.step(self._train.action_repeat)
        over = terminated or truncated
        if over:
            self._end_episode(success)
        self._write_losses()
        if self._checkpoint_due(over):
            self._save(over)
        if over and now.step < self._last_step and not self.stop:
            obs, state = self._begin_episode()
        return obs, state

    def _move(
        self, action: npt.NDArray[np.float32]
    ) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """The environment's step, and beside it the update that is due."""
        if isinstance(self._env, MovesByItself):
            self._env.send(action)
            self._learn()
            return self._env.receive()
        self._learn()
        return self._env.step(action)  # type: ignore[return-value]

    def _learn(self) -> None:
        """In lockstep: the update that the newest step asks for, unless it has been."""
        train, now = self._train, self.counters
        if not train.learn or self._background is not None or now.learned >= now.step:
            return
        now.learned = now.step
        if now.step >= self._seed_steps and now.step % train.update_every == 0:
            self._update(now.step)

    def _allow(self) -> None:
        """Asynchronously: as many updates as the steps so far ask for."""
        train, step = self._train, self.counters.step
        if self._background is not None and step >= self._seed_steps:
            cap = train.updates_per_step or 1.0 / train.update_every
            allowed = int(cap * (step - self._seed_steps + 1)) - self._updates_before
            self._background.allow(allowed)

    def _update(self, step: int) -> None:
        with self.learning:
            self.learner.update(step)

    def _begin_episode(self) -> tuple[Pixels, State]:
        now = self.counters
        if now.step >= now.next_evaluation and not self.stop:
            self._evaluate()
            now.next_evaluation = now.step + self._evaluation_interval
        if self._background is not None and self._train.updates_behind:
            self._background.drain(self._train.updates_behind)
        now.episode_step, now.episode_return = 0, 0.0
        if self.stop:  # whoever stops it may have closed the environment already
            return self._nothing()
        seed = episode_seed(self._train.seed, TRAINING, now.episode)
        observation, _ = self._env.reset(seed=seed)
        obs, state = split(observation)
        self.ring.append(Step(now.episode, 0, obs, state=state))
        return obs, state

    def _begin_or_go_on(self) -> tuple[Pixels, State]:
        """The first episode, or the one that a checkpoint was made in: its actions are repeated."""
        now = self.counters
        if now.step >= self._last_step:
            return self._nothing()
        if not now.episode_step:
            return self._begin_episode()
        observation, _ = self._env.reset(seed=episode_seed(self._train.seed, TRAINING, now.episode))
        first = self.ring.count - now.episode_step
        for number in range(first, self.ring.count):
            action = self.ring.records[self.ring.slot(number)]["action"].copy()
            observation, *_ = self._env.step(action)
        obs, state = split(observation)
        if not np.array_equal(obs, self.ring.observation(self.ring.count - 1)):
            self.progress.say(
                "the environment did not repeat the episode that the checkpoint was made in; "
                "a new one begins, and this run is not the same to the bit as one without a break"
            )
            now.episode += 1
            return self._begin_episode()
        return obs, state

    def _nothing(self) -> tuple[Pixels, State]:
        """What stands for an observation where none is to be acted on."""
        return np.zeros(self._shape.layout.shape, np.uint8), None

    def _end_episode(self, success: bool) -> None:
        now = self.counters
        with self._exclusive():
            happened = self.agent.end_episode(now.episode_return, now.step)
            self._members.stage(self.agent.state()[0])
            dormant = self.agent.dormant_ratio
        self.progress.episode(now.episode_return, success, dormant)
        self._log.episode(
            now.step,
            {
                "frames": self._frames(now.step),
                "episode": now.episode,
                "episode_return": now.episode_return,
                "success": success,
                "length": now.episode_step,
                "updates": self.learner.updates,
                "dormant_ratio": dormant,
                "frames_per_second": self.progress.frames_per_second,
                "learner_idle": None if self._background is None else self._idle.look(),
                "seconds": time.monotonic() - self._began,
            },
        )
        if happened:
            self._log.scalars(now.step, happened)
        now.episode += 1
        now.episode_step = 0

    def _write_losses(self) -> None:
        now = self.counters
        if now.step < now.next_log:
            return
        every = -(-self._train.log_every_frames // self._train.action_repeat)
        now.next_log = (now.step // every + 1) * every
        statistics = self.learner.statistics  # each update makes its own
        if statistics:
            self._log.losses(now.step, statistics)

    def _evaluate(self) -> None:
        now = self.counters
        if not self._train.eval_every_frames and now.step < self._last_step:
            return
        video = self.folder.video(now.step) if self._train.video else None
        try:
            with self._exclusive():
                result = evaluate(
                    self.agent,
                    self._evaluation_env,
                    self._train.eval_episodes,
                    seed=self._train.seed,
                    step=now.step,
                    video=video,
                    stop=lambda: self.stop,
                )
        except InterruptedError:
            return
        self.evaluated.steps.append(now.step)
        self.evaluated.results.append(result)
        seconds = time.monotonic() - self._began
        self._log.evaluation(now.step, self._frames(now.step), result, seconds)
        low, high = result.interval
        self.progress.say(
            f"step {now.step}: evaluation over {len(result.returns)} episodes: "
            f"return {result.mean:.1f} +- {result.std:.1f}, "
            f"success {result.success:.2f} (95 %: {low:.2f} to {high:.2f})"
        )

    def _checkpoint_due(self, over: bool) -> bool:
        now, ring = self.counters, self.ring
        if now.step >= now.next_checkpoint:
            return True
        if not self._exact and over and time.monotonic() - self._saved_at >= CHECKPOINT_SECONDS:
            return True
        # The ring went round: a checkpoint must come before its spare records are used up.
        since = ring.count - self._saved_count
        return ring.count > ring.header.capacity and since > ring.header.spare - MARGIN

    def _save(self, over: bool) -> None:
        now, train = self.counters, self._train
        every = -(-train.checkpoint_every_frames // train.action_repeat)
        now.next_checkpoint = (now.step // every + 1) * every
        with self._exclusive():
            self.ring.sync()
            save_checkpoint(
                self.folder.checkpoints,
                self.agent,
                self.config,
                self._environment,
                self._shape,
                {**asdict(now), **self.learner.state()},
                members=self._members,
                keep=train.keep_checkpoints,
            )
            self._saved_count = self.ring.count
        self._saved_at = time.monotonic()

    def _restore(self) -> int:
        """Go back to the newest checkpoint, if there is one; gives the step to go on from."""
        train = self._train
        every = -(-train.checkpoint_every_frames // train.action_repeat)
        found = folders(self.folder.checkpoints)
        if not found:
            if self._exact:
                self.ring.truncate(0)
            self.counters.next_checkpoint = every
            if self._evaluation_env is self._env:  # one cell: nothing to see before it has learned
                self.counters.next_evaluation = self._evaluation_interval
        else:
            checkpoint = read_checkpoint(found[-1])
            self._load(checkpoint)
        if not self._exact:
            self._count_what_came_since(int(checkpoint.progress["ring_count"]) if found else 0)
        return self.counters.step

    def _load(self, checkpoint: Checkpoint) -> None:
        try:
            checkpoint.load_into(self.agent, self._members)
        except ValueError as error:
            raise type(error)(f"{error}{older_whole(checkpoint.folder)}") from error
        names = asdict(self.counters)
        saved = {"learned": checkpoint.progress["step"], **checkpoint.progress}
        self.counters = Counters(**{key: saved[key] for key in names})
        self.learner.load_state(checkpoint.progress, exact=self._exact)

    def _count_what_came_since(self, count: int) -> None:
        """Steps that were stored after the checkpoint count: nothing that was lived is lost."""
        ring, now = self.ring, self.counters
        records = ring.records[np.arange(max(count, ring.oldest), ring.count) % ring.slots]
        now.step += int(((records["flags"] & CONTEXT == 0) & (records["step"] > 0)).sum())
        now.episode = max(now.episode, ring.latest_episode() + 1)
        now.episode_step, now.episode_return = 0, 0.0

    def _finish(self) -> dict[str, Any]:
        now = self.counters
        complete = now.step >= self._last_step
        self._members.hasten()
        if self._background is not None:
            if complete:
                self._allow()  # what a run that was stopped here still owes
                complete = self._background.drain()
            self._background.close()
        last = folders(self.folder.checkpoints)
        if not last or last[-1].name != f"{now.step:09d}":
            self._save(False)
        if complete and now.step not in self.evaluated.steps and not self.stop:
            self._evaluate()
        results = self.evaluated
        checkpoint = folders(self.folder.checkpoints)[-1]
        task = self._environment.get("task") or self._environment.get("id", "")
        curve = draw_curve(self.folder.path, f"{self.config.agent.name} on {task}")
        summary = {
            "complete": complete,
            "environment": self._environment,
            "agent": self.config.agent.name,
            "seed": self._train.seed,
            "step": now.step,
            "frames": self._frames(now.step),
            "episodes": now.episode,
            "updates": self.learner.updates,
            "seconds": time.monotonic() - self._began,
            "evaluated_at": results.steps[-1] if results.steps else None,
            "return": results.results[-1].mean if results.results else None,
            "success": results.results[-1].success if results.results else None,
            "success_interval": results.results[-1].interval if results.results else None,
            "checkpoint": str(checkpoint),
            "curve": None if curve is None else str(curve),
            "video": str(self.folder.video(results.steps[-1])) if results.steps else None,
        }
        self.folder.write_summary(summary)
        return summary

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        if self._background is None:
            yield
        else:
            with self._background.exclusive():
                yield
