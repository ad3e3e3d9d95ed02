"""The actor of a split training: acts in the cell and follows the learner's weights."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Any

from gymnasium.error import ResetNeeded

from mentor_common.env.ros_env import EnvironmentLost, RosEnv
from mentor_common.messages import topics
from mentor_common.node import health, running
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_msgs.msg import TrainingStats
from mentor_msgs.srv import Backfill
from mentor_policy.config import config_to_dict
from mentor_policy.distributed.actor import Actor
from mentor_policy.distributed.follower import WeightsFollower
from mentor_policy.distributed.pace import STALLED, STARTING, Pace
from mentor_policy.distributed.step_log import StepLog
from mentor_policy.distributed.weights import WeightsError
from mentor_policy.nodes.backfill_messages import BACKFILL_LIMIT, backfill_response
from mentor_policy.nodes.environment import connect, watch_environment
from mentor_policy.nodes.policy_parameters import AGENT, ENVIRONMENT, configuration
from mentor_policy.nodes.weights_subscription import WeightsSubscription
from mentor_policy.replay import ReplayError, Step
from mentor_policy.training.backoff import Backoff, FruitlessEpisodeError
from mentor_policy.training.environment import shape_of
from mentor_policy.training.rollout import Episode
from mentor_policy.training.schedule import Schedule

STEP_LOG = "step_log"
"""Folder, in the actor's run_dir, of the steps that a learner may ask for."""


class ActorNode(CellNode):
    """Drives the cell's resets and actions; its own ``run_dir`` holds the last weights only."""

    NAME = "actor"
    STEPS_NEED_IT = False
    PARAMETERS = (
        *AGENT,
        *ENVIRONMENT,
        Param("max_steps", "int", 0, "training steps over all starts; 0: without end", low=0,
              high=2**62, read_only=True),
        Param("eval_every", "int", 0, "training steps from one evaluation to the next; 0: none",
              low=0, high=2**62),
        Param("step_log", "int", 20_000,
              "training steps kept on disk for a learner that was away; 0: none", low=0,
              high=10_000_000, read_only=True),
        Param("eval_episodes", "int", 5, "episodes of an evaluation", low=1, high=10_000),
        Param("updates_behind", "int", -1,
              "updates that the weights may lack when an episode begins: the actor waits for the "
              "learner; 0: it waits for nobody; -1: train.updates_behind of the preset", low=-1,
              high=10**9, read_only=True),
        Param("run_id", "str", "",
              "the learner's run to follow; empty: that of the kept weights, else the first one",
              read_only=True),
    )  # fmt: skip

    def configure(self) -> None:
        """Read the configuration; subscribe to the weights."""
        configuration(self, None)
        self._folder = Path(self.text("run_dir") or "runs/actor")
        self._pace: Pace | None = None
        self._awaits_first = True  # whether no weights have ever come
        self._idle_reports: deque[int] = deque([-1, -1], maxlen=2)
        self._env: RosEnv | None = None
        self._step_log: StepLog | None = None
        self.serve(topics.BACKFILL, self._backfill)
        self._weights = WeightsSubscription(self)
        self.subscription(topics.TRAINING, self._on_training)
        watch_environment(self)
        self._step_time = self.health.timing("step")
        self._steps_rate = self.health.rate("steps")
        self._longest = self.health.gauge("longest step", "s")

    def activate(self) -> None:
        """Begin to act."""
        self.start_worker("actor", self._act)

    def deactivate(self) -> None:
        """End the step that is under way."""
        if self._env is not None:
            self._env.close()

    def _act(self) -> None:
        import torch  # late: a node that refuses its parameters does so at once

        from mentor_policy.agents import make_agent

        if self.integer("threads"):
            torch.set_num_threads(self.integer("threads"))
        self._env = env = connect(self)
        if env is None:
            return
        config = configuration(self, env.description.task)
        config.train.action_repeat = env.action_repeat
        agent = make_agent(config, shape_of(env), self.integer("seed"))
        settings: dict[str, Any] = config_to_dict(config)["agent"]
        follower = WeightsFollower(agent, settings, self._folder, self.text("run_id"))
        behind = self.integer("updates_behind")
        behind = config.train.updates_behind if behind < 0 else behind
        self._pace = Pace(Schedule(config.train), behind)
        try:
            kept = follower.restore()
        except WeightsError as error:
            self.get_logger().fatal(f"cannot start with the kept weights: {error}")
            return self.finish(1)
        self._awaits_first = not kept
        self._folder.mkdir(parents=True, exist_ok=True)
        self.get_logger().info(
            f"acts with kept {kept}"
            if kept
            else "no weights kept yet: acts untrained until the learner's first weights come"
        )
        self._weights.follow(follower)
        actor = Actor(
            env,
            agent,
            follower,
            seed=self.integer("seed"),
            folder=self._folder,
            stop=self.stopping.is_set,
        )
        actor.on_step = self._on_step
        actor.log_step = self._log_step
        actor.on_refusal = self._weights.refuse
        if not self._is_done(actor):  # else its folder stays as it is
            self._open_step_log(env)
        try:
            self._episodes(actor, follower)
        finally:
            actor.save()
            env.close()
            if self._step_log is not None:
                self._step_log.close()

    def _episodes(self, actor: Actor, follower: WeightsFollower) -> None:
        limit, backoff = self.integer("max_steps"), Backoff()
        self._last_step = time.monotonic()
        while not self.stopping.is_set():
            if self._is_done(actor):
                self.get_logger().info(f"done: {actor.steps} training steps")
                return self.finish(0)
            every = self.integer("eval_every")
            due = every and actor.steps - actor.progress.evaluated_at >= every
            try:
                if due:
                    self._evaluate(actor)
                self._wait_for_learner(actor, follower)
                self._last_step = time.monotonic()
                episode = actor.train_episode(limit)
                self._report_episode(actor, episode)
                if episode.fault is not None:
                    raise episode.fault
                backoff.reset()
            except (EnvironmentLost, ResetNeeded, FruitlessEpisodeError) as error:
                if not self.stopping.is_set():
                    self.get_logger().warning(f"a reset is tried: {error}")
                    backoff.wait(self.stopping.is_set, error)

    def _is_done(self, actor: Actor) -> bool:
        return 0 < self.integer("max_steps") <= actor.steps

    def _wait_for_learner(self, actor: Actor, follower: WeightsFollower) -> None:
        """Wait until the learner is no further behind than it may be.

        One that is away is not waited for; the first one is for a while, as it may still start.
        """
        pace = self._pace
        assert pace is not None
        pace.restart()
        reported = False
        while not (
            pace.may_begin(actor.steps, follower.update)
            or min(self._idle_reports) >= actor.steps  # by its own settings it is not behind
            or self.stopping.is_set()
        ):
            if self._awaits_first and follower.version:
                self._awaits_first = False
                pace.restart()
            if self._weights.learner_away and not self._awaits_first:
                return
            what, patience = "the learner did no update", STALLED
            if self._awaits_first:
                what, patience = "no weights have come", STARTING
            if pace.stalled(patience):
                self.get_logger().warning(
                    f"{what} for {patience:.0f} s: acts on with weights {self._weights.in_use}"
                )
                self._awaits_first = False
                return
            if not reported:
                reported = True
                self.get_logger().info(
                    f"waits for the learner: weights {self._weights.in_use} lack "
                    f"{pace.owed(actor.steps, follower.update)} updates that the steps allow"
                )
            pace.progress(follower.update, "weights")
            self.stopping.wait(0.1)

    def _evaluate(self, actor: Actor) -> None:
        try:
            result = actor.evaluate(self.integer("eval_episodes"))
        except InterruptedError:
            return
        self.get_logger().info(
            f"evaluation at {actor.steps} steps, weights {self._weights.in_use}: "
            f"return {result.mean:.2f}, success {result.success:.2f} over "
            f"{len(result.returns)} episodes"
        )

    def _open_step_log(self, env: RosEnv) -> None:
        self._layout = env.frame_layout
        folder = self._folder / STEP_LOG
        if self.integer("step_log"):
            try:
                self._step_log = StepLog(folder, shape_of(env), self.integer("step_log"))
            except (ReplayError, OSError) as error:
                self._without_step_log(error)

    def _log_step(self, step: Step) -> None:
        if self._step_log is not None:
            try:
                self._step_log.add(step)
            except (ReplayError, OSError) as error:
                self._step_log.close()
                self._step_log = None
                self._without_step_log(error)

    def _without_step_log(self, error: Exception) -> None:
        # The arm does not stop for it: a learner that is not away for long misses nothing.
        self.get_logger().error(
            f"acts on without a step log: a learner that is away for more than {topics.HISTORY} "
            f"steps will miss some. {error}"
        )
        self.health.problem("step log", health.WARN, f"keeps no log of its steps: {error}")

    def _backfill(
        self, request: Backfill.Request, response: Backfill.Response
    ) -> Backfill.Response:
        if self._step_log is None or not self.active:
            return response
        limit = min(int(request.limit) or BACKFILL_LIMIT, BACKFILL_LIMIT)
        if request.from_oldest:
            backfilled = self._step_log.oldest(limit)
        else:
            backfilled = self._step_log.after(int(request.episode), int(request.step), limit)
        return backfill_response(backfilled, self._layout, response)

    def _on_training(self, message: TrainingStats) -> None:
        if self._pace is not None and message.run_id == self._weights.run_id:
            self._pace.progress(int(message.update), "report")
            due = dict(zip(message.names, message.values, strict=False)).get("updates_due")
            self._idle_reports.append(int(message.step) if due == 0.0 else -1)

    def _on_step(self) -> None:
        now = time.monotonic()
        self._steps_rate.add()
        self._step_time.took(now - self._last_step)
        self._last_step = now

    def _report_episode(self, actor: Actor, episode: Episode) -> None:
        if episode.over:
            self.get_logger().info(
                f"episode {actor.progress.episodes}: return {episode.total:.2f}, "
                f"{episode.length} steps, success {episode.success}; {actor.steps} steps in all, "
                f"weights {self._weights.in_use}"
            )


def main() -> None:
    """Run the node; the entry point."""
    running.main(ActorNode)
