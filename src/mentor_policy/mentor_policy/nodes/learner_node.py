"""The learner of a split training: learns from the stream, publishes weights and its progress."""

from __future__ import annotations

import queue
import time
from pathlib import Path
from typing import Any

from mentor_common.messages import topics
from mentor_common.node import health, running
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_msgs.srv import Backfill
from mentor_policy.config import ConfigError
from mentor_policy.distributed.assembly import Assembly
from mentor_policy.nodes.environment import describe, layout_of
from mentor_policy.nodes.intake import Intake, backfill
from mentor_policy.nodes.policy_parameters import AGENT, LAST_CHECKPOINT, configuration
from mentor_policy.nodes.training_stats import training_stats
from mentor_policy.nodes.weights_message import weights_message


class LearnerNode(CellNode):
    """Hears observation, action and reward; whatever it misses it asks the actor for."""

    PARAMETERS = (
        *AGENT,
        Param("max_steps", "int", 0, "environment steps of the whole run; 0: the preset's", low=0,
              high=2**62, read_only=True),
        Param("publish_period", "float", 10.0,
              "seconds of wall time from one publication of weights to the next", low=0.1,
              high=3600.0),
        Param("checkpoint_period", "float", 60.0,
              "seconds of wall time from one checkpoint to the next", low=1.0, high=86400.0,
              read_only=True),
    )  # fmt: skip

    def configure(self) -> None:
        """Read the configuration; hear the stream."""
        config = configuration(self, None, self._own_settings())
        if config.agent.name == "random":
            raise ConfigError("agent 'random' has nothing to learn; start an actor alone")
        self._path = Path(self.text("run_dir") or "runs/learner")
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._run: Any = None
        for topic in (topics.OBSERVATION, topics.ACTION, topics.REWARD):
            # Not deaf while inactive: what the topics remember comes only once.
            self.create_subscription(topic.type, topic.name, self._messages.put, topic.qos)
            self.peers.publisher_of(topic)
        self._backfill = self.create_client(topics.BACKFILL.type, topics.BACKFILL.name)
        self._describe = self.create_client(topics.DESCRIBE.type, topics.DESCRIBE.name)
        self._weights = self.publisher(topics.POLICY_WEIGHTS)
        self._training = self.publisher(topics.TRAINING)
        self._idle = self.health.gauge("idle share")
        self._counters = {
            name: self.health.gauge(name)
            for name in ("steps", "updates", "updates due", "duplicates", "late")
        }
        self._missing = self.health.gauge("steps missing", limits=health.Limits(warn_above=0))
        self.timer(1.0, self._report, wall=True)

    def activate(self) -> None:
        """Begin to learn."""
        self._last = (time.monotonic(), -1, -1)
        self._worker = self.start_worker("learner", self._learn)

    def deactivate(self) -> None:
        """Stop learning; a checkpoint is written first."""
        if self._run is not None:  # else there is nothing to be lost
            self._worker.join(LAST_CHECKPOINT)

    def _learn(self) -> None:
        import torch  # late: a node that refuses its parameters does so at once

        from mentor_policy.agents import NonFiniteGradientError
        from mentor_policy.distributed.episodes import known_steps
        from mentor_policy.distributed.learner_run import LearnerRun
        from mentor_policy.distributed.weights import WeightsError
        from mentor_policy.replay import ReplayError
        from mentor_policy.training.checkpoint import CheckpointError
        from mentor_policy.training.environment import Shape
        from mentor_policy.training.run_folder import RunFolderError

        if self.integer("threads"):
            torch.set_num_threads(self.integer("threads"))
        description = describe(self, self._describe)
        if description is None:
            return
        shape = Shape(
            layout_of(description), int(description.state_size), len(description.action_names)
        )
        config = configuration(self, description.task, self._own_settings())
        train = config.train
        train.action_repeat = int(description.action_repeat) or 1
        if self.integer("max_steps"):
            train.frames = self.integer("max_steps") * train.action_repeat
        refusals = (
            RunFolderError, ReplayError, CheckpointError, WeightsError, NonFiniteGradientError,
            OSError,
        )  # fmt: skip
        run = None
        try:
            run = LearnerRun(
                config,
                self._path,
                {"id": "mentor/ros-v0", "arguments": {}, "task": description.task},
                shape,
                checkpoint_every=self.number("checkpoint_period"),
            )
            self.get_logger().info(
                f"run {run.publication.run_id} in {self._path}: {run.learner.steps} steps, "
                f"{run.learner.updates} updates, {run.learner.ring.count} records so far"
            )
            self._intake = Intake(
                Assembly(shape.action_size, known_steps(run.learner.ring)), run.take
            )
            self._run = run
            self._ask_actor(from_oldest=run.learner.ring.count == 0)
            self._loop(run)
            self._say_end(run.finish())
            if run.complete:
                self.finish(0)
        except refusals as error:
            self.get_logger().fatal(f"refused: {error}")
            self.finish(1)
        finally:
            self._run = None
            if run is not None:
                run.close()

    def _own_settings(self) -> list[str]:
        return [f"train.seed={self.integer('seed')}"]

    def _loop(self, run: Any) -> None:
        published, version = 0.0, -1
        while not self.stopping.is_set() and not run.complete:
            self._hear()
            learned = run.learn()
            period = self.number("publish_period")
            if time.monotonic() - published >= period and version != run.learner.updates:
                published, version = time.monotonic(), run.learner.updates
                stamp = self.get_clock().now().to_msg()
                self._weights.publish(weights_message(run.weights(), stamp))
            if not learned:
                began = time.monotonic()
                self._hear(wait=0.05)
                run.learner.idled(time.monotonic() - began)

    def _hear(self, wait: float = 0.0) -> None:
        """Take what has come."""
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

    def _ask_actor(self, from_oldest: bool = False) -> None:
        """Have the actor backfill what this learner missed."""
        asked = self._intake.newest
        begun = self._intake.steps
        found = True
        while not self.stopping.is_set():
            request = Backfill.Request(
                episode=asked[0], step=asked[1], from_oldest=from_oldest and asked == (0, 0)
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
            self.get_logger().info(f"the actor backfilled {backfilled} steps that went by unheard")
        if not found:
            self.get_logger().warning(
                "steps are lost: this learner was away for longer than the actor's memory reaches "
                "(its parameter 'memory')"
            )

    def _report(self) -> None:
        run = self._run
        if run is None:
            return
        learner, counts = run.learner, self._intake.counts
        idle = learner.idle_share()
        self._idle.set(idle)
        for name, value in (
            ("steps", learner.steps), ("updates", learner.updates), ("updates due", learner.due),
            ("duplicates", counts.duplicates), ("late", counts.late),
        ):  # fmt: skip
            self._counters[name].set(value)
        self._missing.set(counts.missing)
        now, (then, steps, updates) = time.monotonic(), self._last
        self._last = (now, learner.steps, learner.updates)
        if steps < 0:
            return
        message = training_stats(
            run_id=run.publication.run_id,
            agent=self.text("agent"),
            step=learner.steps,
            update=learner.updates,
            episode=learner.episodes,
            steps_per_second=(learner.steps - steps) / (now - then),
            updates_per_second=(learner.updates - updates) / (now - then),
            idle=idle,
            episode_return=learner.last_return,
            success=learner.success,
            dormant_ratio=learner.agent.dormant_ratio,
            further={"updates_due": float(learner.due)},
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._training.publish(message)

    def _say_end(self, summary: dict[str, Any]) -> None:
        self.get_logger().info(
            f"{'complete' if summary['complete'] else 'stopped'} at {summary['step']} steps, "
            f"{summary['updates']} updates; checkpoint {summary['checkpoint']}, "
            f"curve {summary['curve']}; start with the same run_dir to go on"
        )


def main() -> None:
    """Entry point."""
    running.main(lambda: LearnerNode("learner"))
