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
from mentor_policy.distributed.actor import Actor, Episode
from mentor_policy.distributed.follower import WeightsFollower
from mentor_policy.distributed.step_log import StepLog
from mentor_policy.distributed.weights import WeightsError
from mentor_policy.nodes.backfill_messages import BACKFILL_LIMIT, backfill_response
from mentor_policy.nodes.environment import connect, sizes, watch_environment
from mentor_policy.nodes.policy_parameters import AGENT, ENVIRONMENT, configuration
from mentor_policy.nodes.weights_message import weights_of
from mentor_policy.replay import ReplayError, Step
from mentor_policy.training.environment import shape_of


class ActorNode(CellNode):
    """Drives the cell's resets and actions; its own ``run_dir`` holds the last weights only."""

    PARAMETERS = (
        *AGENT,
        *ENVIRONMENT,
        Param("max_steps", "int", 0, "training steps over all starts; 0: without end", low=0,
              high=2**62, read_only=True),
        Param("eval_every", "int", 0, "training steps from one evaluation to the next; 0: none",
              low=0, high=2**62),
        Param("memory", "int", 20_000,
              "training steps kept on disk for a learner that was away; 0: none", low=0,
              high=10_000_000, read_only=True),
        Param("eval_episodes", "int", 5, "episodes of an evaluation", low=1, high=10_000),
    )  # fmt: skip

    def configure(self) -> None:
        """Read the configuration; hear the weights."""
        configuration(self, None)
        self._folder = Path(self.text("run_dir") or "runs/actor")
        self._incoming: queue.Queue[PolicyWeights] = queue.Queue(maxsize=1)
        self._follower: WeightsFollower | None = None
        self._env: RosEnv | None = None
        self._memory: StepLog | None = None
        self.serve(topics.BACKFILL, self._backfill)
        # Not deaf while inactive: latched weights come only once.
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
        self._open_memory(env)
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
        actor.remember = self._remember
        try:
            self._episodes(actor, env)
        finally:
            actor.save()
            env.close()
            if self._memory is not None:
                self._memory.close()

    def _episodes(self, actor: Actor, env: RosEnv) -> None:
        limit = self.integer("max_steps")
        self._last_step = time.monotonic()
        while not self.stopping.is_set():
            if limit and actor.steps >= limit:
                self.get_logger().info(f"done: {actor.steps} training steps")
                return self.finish(0)
            every = self.integer("eval_every")
            due = every and actor.steps - actor.progress.evaluated_at >= every
            try:
                if due:
                    self._evaluate(actor, env)
                env.purpose = ""
                self._last_step = time.monotonic()
                self._say(actor, actor.train_episode(limit))
            except (EnvironmentLost, ResetNeeded) as error:
                if not self.stopping.is_set():
                    self.get_logger().warning(f"{error}; tries again with a reset")
                    self.stopping.wait(0.5)

    def _evaluate(self, actor: Actor, env: RosEnv) -> None:
        env.purpose = topics.EVALUATION
        count = self.integer("eval_episodes")
        episodes = [actor.evaluation_episode(number) for number in range(count)]
        if not all(episode.over for episode in episodes):
            return
        actor.progress.evaluated_at = actor.steps
        total = sum(episode.total for episode in episodes) / count
        success = sum(episode.success for episode in episodes) / count
        self.get_logger().info(
            f"evaluation at {actor.steps} steps, weights {self._follower_version()}: "
            f"return {total:.2f}, success {success:.2f} over {count} episodes"
        )

    def _open_memory(self, env: RosEnv) -> None:
        self._layout = env.frame_layout
        if self.integer("memory"):
            try:
                self._memory = StepLog(
                    self._folder / "memory", shape_of(env), self.integer("memory")
                )
            except ReplayError as error:
                self._without_memory(error)

    def _remember(self, step: Step) -> None:
        if self._memory is not None:
            try:
                self._memory.add(step)
            except ReplayError as error:
                self._memory.close()
                self._memory = None
                self._without_memory(error)

    def _without_memory(self, error: Exception) -> None:
        # The arm does not stop for it: a learner that is not away for long misses nothing.
        self.get_logger().error(
            f"acts on without a memory: a learner that is away for more than {topics.HISTORY} "
            f"steps will miss some. {error}"
        )
        self.health.problem("memory", health.WARN, f"keeps no memory of its steps: {error}")

    def _backfill(
        self, request: Backfill.Request, response: Backfill.Response
    ) -> Backfill.Response:
        if self._memory is None or not self.active:
            return response
        asked = (0, 0) if request.from_oldest else (int(request.episode), int(request.step))
        limit = min(int(request.limit) or BACKFILL_LIMIT, BACKFILL_LIMIT)
        backfilled = self._memory.after(*asked, limit)
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
                said = self._follower.offer(weights_of(message))
                self.health.solved("weights")
                if said:
                    self.get_logger().warning(said)
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

    def _say(self, actor: Actor, episode: Episode) -> None:
        if episode.over:
            self.get_logger().info(
                f"episode {actor.progress.episodes}: return {episode.total:.2f}, "
                f"{episode.length} steps, success {episode.success}; {actor.steps} steps in all, "
                f"weights {self._follower_version()}"
            )


def main() -> None:
    """Entry point."""
    running.main(lambda: ActorNode("actor"))
