"""The learner of a split training: learns from the stream, publishes weights and its progress."""

from __future__ import annotations

import math
import queue
from typing import TYPE_CHECKING, Any

from mentor_common.messages import topics
from mentor_common.node import health, running
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param, wall_seconds
from mentor_common.node.remote_action import Cancelled
from mentor_msgs.srv import Backfill
from mentor_policy.config import ConfigError
from mentor_policy.distributed.assembly import Assembly
from mentor_policy.nodes.intake import Intake, backfill
from mentor_policy.nodes.policy_parameters import (
    AGENT,
    LAST_CHECKPOINT,
    PROGRESS_PERIOD,
    RESET_OPTIONS,
    configuration,
    known_reset_options,
)
from mentor_policy.nodes.weights_message import weights_message

if TYPE_CHECKING:
    from mentor_policy.distributed.learner_run import LearnerRun


class LearnerNode(CellNode):
    """Receives observation, action and reward; whatever it misses the actor backfills."""

    NAME = "learner"
    STEPS_NEED_IT = False
    PARAMETERS = (
        *AGENT,
        RESET_OPTIONS,
        wall_seconds("publish_period", 10.0, "from one publication of weights to the next; they "
                     "are published at the end of an episode, too", 0.1, 3600.0),
        Param("max_steps", "int", 0, "environment steps of the whole run; 0: the preset's", low=0,
              high=2**62, read_only=True),
        PROGRESS_PERIOD,
        wall_seconds("checkpoint_period", 60.0, "from one checkpoint to the next", 1.0, 86400.0,
                     read_only=True),
    )  # fmt: skip

    def configure(self) -> None:
        """Read the configuration; subscribe to the stream."""
        config = configuration(self, None, self._own_settings())
        known_reset_options(self)
        if config.agent.name == "random":
            raise ConfigError("agent 'random' has nothing to learn; start an actor alone")
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._run: LearnerRun | None = None
        for topic in (topics.OBSERVATION, topics.ACTION, topics.REWARD):
            # Received while inactive too: what the topics have kept comes only once.
            self.create_subscription(
                topic.type, topic.name, self._messages.put, topic.qos, **topics.options_of(topic)
            )
            self.peers.publisher_of(topic)
        self._backfill = self.create_client(topics.BACKFILL.type, topics.BACKFILL.name)
        self._describe = self.describe_client()
        self._weights = self.publisher(topics.POLICY_WEIGHTS)
        self._training = self.publisher(topics.TRAINING)
        self._idle = self.health.gauge("idle share")
        self._counters = {
            name: self.health.gauge(name)
            for name in ("steps", "updates", "updates due", "duplicates", "strays", "invalid")
        }
        self._missing = self.health.gauge("steps missing", limits=health.Limits(warn_above=0))
        self.timer(1.0, self._report, wall=True)

    def activate(self) -> None:
        """Begin to learn."""
        self._worker = self.start_worker("learner", self._learn)

    def deactivate(self) -> None:
        """Stop learning; a checkpoint is written first."""
        if self._run is not None:  # else there is nothing to be lost
            self._worker.join(LAST_CHECKPOINT)

    def _learn(self) -> None:
        import torch  # late: a node that refuses its parameters does so at once

        from mentor_policy.nodes.cell_run import REFUSALS, begin_learning

        if self.integer("threads"):
            torch.set_num_threads(self.integer("threads"))
        try:
            description = self._describe.call(math.inf, cancelled=self.stopping.is_set)
        except Cancelled:
            return
        try:
            folder, run = begin_learning(self, description, self._own_settings())
        except REFUSALS as error:
            self.get_logger().fatal(f"refused: {error}")
            return self.finish(1)
        if run is None:
            folder.close()
            return self.finish(0)
        try:
            self._learn_from_stream(run)
        except REFUSALS as error:
            self.get_logger().fatal(f"refused: {error}")
            self.finish(1)
        finally:
            self._run = None
            run.close()
            folder.close()

    def _learn_from_stream(self, run: LearnerRun) -> None:
        from mentor_policy.nodes.end_report import end_report
        from mentor_policy.nodes.training_stats import TrainingReport
        from mentor_policy.replay.episodes import known_steps

        ring = run.run.ring
        assembly = Assembly(ring.header.action_size, known_steps(ring))
        self._intake = Intake(assembly, run.run.shape, run.take, self.get_logger().warning)
        self._stats = TrainingReport(run.run, run.publication.run_id, self.text("agent"))
        self._run = run
        self._ask_actor(fresh=ring.count == 0)
        self._loop(run)
        for line in end_report(run.finish()):
            self.get_logger().info(line)
        if run.complete:
            self.finish(0)

    def _own_settings(self) -> list[str]:
        return [f"train.seed={self.integer('seed')}"]

    def _loop(self, run: LearnerRun) -> None:
        while not self.stopping.is_set() and not run.complete:
            self._receive()
            learned = run.learn()
            if run.publication_due(self.number("publish_period")):
                stamp = self.get_clock().now().to_msg()
                self._weights.publish(weights_message(run.weights(), stamp))
            if not learned:
                self._receive(wait=0.05)

    def _receive(self, wait: float = 0.0) -> None:
        """Take what has arrived."""
        try:
            while True:
                self._intake.add(self._messages.get(timeout=wait) if wait
                                 else self._messages.get_nowait())  # fmt: skip
                wait = 0.0
        except queue.Empty:
            pass
        self._intake.take()
        if self._intake.gap:
            self._ask_actor()
            self._intake.go_on()

    def _ask_actor(self, fresh: bool = False) -> None:
        """Have the actor backfill what this learner missed; ``fresh``: it has no step yet."""
        asked = self._intake.newest
        begun = self._intake.steps
        found = True
        while not self.stopping.is_set():
            request = Backfill.Request(
                episode=asked[0], step=asked[1], from_oldest=fresh and asked == (0, 0)
            )
            answer = backfill(self._backfill, request)
            if answer is None:
                break
            found = found and answer.found
            self._intake.add_backfilled(answer)
            self._intake.take()
            if not answer.observations or not answer.more:
                break
            last = answer.observations[-1]
            asked = (int(last.episode), int(last.step))
        backfilled = self._intake.steps - begun
        if backfilled:
            self.get_logger().info(f"the actor backfilled {backfilled} steps that were missed")
        if not found and not fresh:
            self.get_logger().warning(
                "steps are lost: this learner was away for longer than the actor's step log "
                "reaches back (its parameter 'step_log')"
            )

    def _report(self) -> None:
        run = self._run
        if run is None:
            return
        counts, parts = self._intake.counts, self._intake.parts
        message = self._stats.message()
        message.header.stamp = self.get_clock().now().to_msg()
        self._training.publish(message)
        self._idle.set(message.idle)
        for name, value in (
            ("steps", message.step), ("updates", message.update), ("updates due", run.run.due),
            ("duplicates", parts.duplicates), ("strays", parts.strays), ("invalid", parts.invalid),
        ):  # fmt: skip
            self._counters[name].set(value)
        self._missing.set(counts.missing)


def main() -> None:
    """Run the node; the entry point."""
    running.main(LearnerNode)
