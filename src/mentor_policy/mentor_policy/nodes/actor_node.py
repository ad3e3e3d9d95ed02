"""The actor of a split training: acts in the cell and follows the learner's weights."""

from __future__ import annotations

import queue
import time
from pathlib import Path
from typing import Any

from gymnasium.error import ResetNeeded

from mentor_common.env.ros_env import EnvironmentLost, RosEnv
from mentor_common.messages import topics
from mentor_common.node import health, running
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_common.node.peers import Peer
from mentor_msgs.msg import PolicyWeights
from mentor_msgs.srv import Backfill
from mentor_policy.config import config_to_dict
from mentor_policy.distributed.actor import Actor
from mentor_policy.distributed.follower import WeightsFollower
from mentor_policy.distributed.step_log import StepLog
from mentor_policy.distributed.weights import WeightsError
from mentor_policy.nodes.backfill_messages import BACKFILL_LIMIT, backfill_response
from mentor_policy.nodes.environment import connect, sizes, watch_environment
from mentor_policy.nodes.policy_parameters import AGENT, ENVIRONMENT, configuration
from mentor_policy.nodes.weights_message import weights_of
from mentor_policy.replay import ReplayError, Step
from mentor_policy.training.backoff import Backoff
from mentor_policy.training.environment import shape_of
from mentor_policy.training.rollout import Episode

STEP_LOG = "step_log"
"""Folder, in the actor's run_dir, of the steps that a learner may ask for."""


class ActorNode(CellNode):
    """Drives the cell's resets and actions; its own ``run_dir`` holds the last weights only."""

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
    )  # fmt: skip

    def configure(self) -> None:
        """Read the configuration; subscribe to the weights."""
        configuration(self, None)
        self._folder = Path(self.text("run_dir") or "runs/actor")
        self._incoming: queue.Queue[PolicyWeights] = queue.Queue(maxsize=1)
        self._follower: WeightsFollower | None = None
        self._env: RosEnv | None = None
        self._step_log: StepLog | None = None
        self.serve(topics.BACKFILL, self._backfill)
        # Received while inactive too: latched weights come only once.
        weights = topics.POLICY_WEIGHTS
        self.create_subscription(weights.type, weights.name, self._on_weights, weights.qos)
        self._learner = self.peers.publisher_of(weights, required=False)
        watch_environment(self)
        self.peers.on_loss(self._on_loss)
        self._step_time = self.health.timing("step")
        self._steps_rate = self.health.rate("steps")
        self._longest = self.health.gauge("longest step", "s")
        self._version = self.health.gauge("weights version")
        self._age = self.health.gauge("weights age", "s")
        self._refused = self.health.gauge("weights refused", limits=health.Limits(warn_above=0))
        self.timer(1.0, self._report_weights, wall=True)

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
        agent = make_agent(config, env.frame_layout, *sizes(env), self.integer("seed"))
        settings: dict[str, Any] = config_to_dict(config)["agent"]
        follower = WeightsFollower(agent, settings, self._folder)
        try:
            kept = follower.restore()
        except WeightsError as error:
            self.get_logger().fatal(f"cannot start with the kept weights: {error}")
            return self.finish(1)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.get_logger().info(
            f"acts with kept {kept}"
            if kept
            else "no weights kept yet: acts untrained until the learner's first weights come"
        )
        self._follower = follower
        self._open_step_log(env)
        self.start_worker("weights", self._check_weights)
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
        try:
            self._episodes(actor, env)
        finally:
            actor.save()
            env.close()
            if self._step_log is not None:
                self._step_log.close()

    def _episodes(self, actor: Actor, env: RosEnv) -> None:
        limit, backoff = self.integer("max_steps"), Backoff()
        self._last_step = time.monotonic()
        while not self.stopping.is_set():
            if limit and actor.steps >= limit:
                self.get_logger().info(f"done: {actor.steps} training steps")
                return self.finish(0)
            every = self.integer("eval_every")
            due = every and actor.steps - actor.progress.evaluated_at >= every
            try:
                if due:
                    self._evaluate(actor)
                self._last_step = time.monotonic()
                self._report_episode(actor, actor.train_episode(limit))
                backoff.reset()
            except (EnvironmentLost, ResetNeeded) as error:
                if not self.stopping.is_set():
                    self.get_logger().warning(f"environment lost, a reset is tried: {error}")
                    backoff.wait(self.stopping.is_set)

    def _evaluate(self, actor: Actor) -> None:
        try:
            result = actor.evaluate(self.integer("eval_episodes"))
        except InterruptedError:
            return
        self.get_logger().info(
            f"evaluation at {actor.steps} steps, weights {self._follower_version()}: "
            f"return {result.mean:.2f}, success {result.success:.2f} over "
            f"{len(result.returns)} episodes"
        )

    def _open_step_log(self, env: RosEnv) -> None:
        self._layout = env.frame_layout
        folder = self._folder / STEP_LOG
        if self.integer("step_log"):
            try:
                earlier = self._folder / "memory"  # its name in older releases
                if earlier.is_dir() and not folder.exists():
                    earlier.rename(folder)
                self._step_log = StepLog(folder, shape_of(env), self.integer("step_log"))
            except ReplayError as error:
                self._without_step_log(error)

    def _log_step(self, step: Step) -> None:
        if self._step_log is not None:
            try:
                self._step_log.add(step)
            except ReplayError as error:
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
        asked = (0, 0) if request.from_oldest else (int(request.episode), int(request.step))
        limit = min(int(request.limit) or BACKFILL_LIMIT, BACKFILL_LIMIT)
        backfilled = self._step_log.after(*asked, limit)
        return backfill_response(backfilled, self._layout, response)

    def _on_weights(self, message: PolicyWeights) -> None:
        # Only the newest is of use: it takes the place of one that still waits.
        while True:
            try:
                return self._incoming.put_nowait(message)
            except queue.Full:
                try:
                    self._incoming.get_nowait()
                except queue.Empty:
                    continue

    def _check_weights(self) -> None:
        assert self._follower is not None
        while not self.stopping.is_set():
            try:
                message = self._incoming.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                notice = self._follower.offer(weights_of(message))
                self.health.solved("weights")
                if notice:
                    self.get_logger().warning(notice)
            except WeightsError as error:
                self.get_logger().error(f"weights refused: {error}")
                self.health.problem("weights", health.WARN, f"weights refused: {error}")

    def _on_loss(self, peer: Peer) -> None:
        if peer is self._learner:
            self.get_logger().warning(
                f"the learner is away; goes on acting with weights {self._follower_version()} "
                "and follows it again when it is back"
            )

    def _follower_version(self) -> str:
        follower = self._follower
        if follower is None or not follower.version:
            return "none (untrained)"
        return f"{follower.version} ({follower.update} updates)"

    def _report_weights(self) -> None:
        follower = self._follower
        if follower is None:
            return
        self._version.set(follower.version)
        self._refused.set(follower.refused)
        if follower.came is not None:
            self._age.set(time.monotonic() - follower.came)
        if self._learner.missing:
            self.health.problem(
                "old weights",
                health.WARN,
                f"the learner is away for {self._learner.waited():.0f} s: acts with weights "
                f"{self._follower_version()}",
            )
        else:
            self.health.solved("old weights")

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
                f"weights {self._follower_version()}"
            )


def main() -> None:
    """Entry point."""
    running.main(lambda: ActorNode("actor"))
