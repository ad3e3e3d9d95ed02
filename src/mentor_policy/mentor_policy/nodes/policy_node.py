"""The policy node: an agent that acts over the topics of a cell, and learns from it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from std_srvs.srv import Trigger

from mentor_common.env.ros_env import EnvironmentLost, RosEnv
from mentor_common.messages import topics
from mentor_common.messages.topics import Interface
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_common.node.running import main as run
from mentor_policy.nodes.environment import connect, watch_environment
from mentor_policy.nodes.ground_truth import GroundTruthEvaluation, GroundTruthReceiver
from mentor_policy.nodes.policy_parameters import (
    AGENT,
    ENVIRONMENT,
    LAST_CHECKPOINT,
    PROGRESS_PERIOD,
    RESET_OPTIONS,
    configuration,
    known_reset_options,
)
from mentor_policy.training.backoff import Backoff, FruitlessEpisodeError
from mentor_policy.training.random_actions import Summary, act_at_random

if TYPE_CHECKING:  # torch takes seconds to import, and a random agent needs none of it
    from mentor_policy.nodes.training_stats import TrainingReport
    from mentor_policy.training.trainer import Trainer


REQUESTS = {
    "pause": "no further action is chosen until resume",
    "resume": "continues",
    "stop_after_episode": "ends with a checkpoint when the episode is over; resume takes it back",
    "evaluate_now": "evaluates when the episode is over",
}
"""Services of the node (std_srvs/Trigger), and what each answers."""


class PolicyNode(CellNode):
    """Trains or evaluates an agent until its steps are done, logs the result, and ends."""

    NAME = "policy"
    STEPS_NEED_IT = False
    PARAMETERS: ClassVar[Sequence[Param]] = (
        *AGENT,
        *ENVIRONMENT,
        RESET_OPTIONS,
        Param("mode", "str", "train", "train, or eval: roll a checkpoint out",
              choices=("train", "eval"), read_only=True),
        Param("checkpoint", "str", "", "mode eval: folder of a checkpoint or of a run",
              read_only=True),
        Param("episodes", "int", 20, "mode eval: episodes to roll out", low=1, high=100_000,
              read_only=True),
        Param("max_steps", "int", 0, "environment steps of the whole run; 0: the preset's, or "
              "without end for agent random", low=0, high=10**9, read_only=True),
        Param("synchronous", "bool", False, "true: the cell waits while the agent learns, and the "
              "run can be repeated to the bit; false: it learns while the arm moves",
              read_only=True),
        Param("bags", "str", "", "mode train: folders of bags whose steps a new run begins with, "
              "separated by spaces; overrides:=train.bag_share=0.5 takes half of every batch from "
              "them, else they fill its replay", read_only=True),
        Param("offline_updates", "int", 0, "updates on these bags before the first step", low=0,
              high=10**9, read_only=True),
        PROGRESS_PERIOD,
    )  # fmt: skip

    def configure(self) -> None:
        """Watch for peers that answer; refuse what cannot be run at once."""
        watch_environment(self)
        self._steps = self.health.counter("steps")
        self._losses = self.health.counter("environment lost")
        self._idle = self.health.gauge("learner idle share")
        self._per_step = self.health.gauge("updates per step")
        self._training = self.publisher(topics.TRAINING)
        self._ground_truth = GroundTruthReceiver(self)
        self._trainer: Trainer | None = None
        self._env: RosEnv | None = None
        self._stats: TrainingReport | None = None
        if self.text("mode") == "eval" and not self.text("checkpoint"):
            raise ValueError("mode:=eval needs checkpoint:=, the folder of a checkpoint or a run")
        configuration(self, None, self._own_settings())
        known_reset_options(self)
        for name in REQUESTS:
            self.serve(Interface(f"~/{name}", Trigger, "policy"), partial(self._on_request, name))
        self.timer(1.0, self._publish_stats, wall=True)

    def activate(self) -> None:
        """Begin to act, in a thread beside the callbacks."""
        if self.text("mode") == "eval":
            self._worker = self.start_worker("evaluation", self._evaluate)
        elif self.text("agent") == "random":
            self._worker = self.start_worker("roll-out", self._roll_out)
        else:
            self._worker = self.start_worker("training", self._train)

    def deactivate(self) -> None:
        """End the step that is under way; the training then writes its checkpoint."""
        if self._trainer is not None:
            self._trainer.stop = True
        if self._env is not None:
            self._env.close()
        if self._trainer is not None:  # else there is nothing to be lost
            self._worker.join(LAST_CHECKPOINT)

    def _on_request(
        self, name: str, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        """Pass a person's request on to the training."""
        if self._trainer is None:
            response.message = "there is no training to ask (mode:=train, any agent but random)"
            return response
        requests = self._trainer.requests
        if name == "stop_after_episode":
            requests.stop_after_episode = True
        else:
            {
                "pause": requests.pause,
                "resume": requests.resume,
                "evaluate_now": requests.evaluate,
            }[name]()
        response.success, response.message = True, REQUESTS[name]
        self.get_logger().info(f"asked for: {name}")
        return response

    def _train(self) -> None:
        self.get_logger().info(f"loads the agent {self.text('agent')}")
        from mentor_policy.nodes.cell_run import REFUSALS, begin_training
        from mentor_policy.nodes.end_report import end_report
        from mentor_policy.nodes.training_stats import TrainingReport

        self._env = env = connect(self)
        if env is None:
            return
        evaluated = GroundTruthEvaluation(env, self._ground_truth)
        folder = None
        try:
            folder, trainer = begin_training(self, evaluated, self._own_settings())
            summary = folder.finished
            if trainer is not None:
                self._trainer = trainer
                trainer.stop = self.stopping.is_set()
                self._stats = TrainingReport(trainer.run, folder.path.name, self.text("agent"))
                summary = trainer.train()
        except REFUSALS as error:
            self.get_logger().fatal(f"refused: {error}")
            return self.finish(1)
        finally:
            self._stats = None
            env.close()
            if folder is not None:
                folder.close()
        assert summary is not None
        for line in end_report(summary, evaluated.source):
            self.get_logger().info(line)
        asked = self._trainer is not None and self._trainer.requests.stop_after_episode
        if summary["complete"] or asked:
            self.finish(0)

    def _evaluate(self) -> None:
        from mentor_policy.nodes.evaluation_run import REFUSALS, evaluate_checkpoint, load

        try:
            checkpoint, agent = load(self)
            self._env = env = connect(self)
            if env is None:
                return
            with closing(env):
                cell = GroundTruthEvaluation(env, self._ground_truth)
                evaluate_checkpoint(self, cell, checkpoint, agent)
            self.finish(0)
        except REFUSALS as error:
            if not self.stopping.is_set():
                self.get_logger().fatal(f"refused: {error}")
                self.finish(1)

    def _roll_out(self) -> None:
        self._env = env = connect(self)
        if env is None:
            return
        summary, backoff = Summary(), Backoff()
        try:
            env.action_space.seed(self.integer("seed"))
            self._reported = time.monotonic()
            while not self.stopping.is_set() and not self._done(summary):
                try:
                    act_at_random(
                        env,
                        self.integer("max_steps"),
                        seed=self.integer("seed") if summary.steps == 0 else None,
                        summary=summary,
                        go_on=self._go_on,
                        backoff=backoff,
                    )
                except (EnvironmentLost, FruitlessEpisodeError) as loss:
                    if not self.stopping.is_set():
                        self._losses.add()
                        self.get_logger().warning(f"a reset is tried: {loss}")
                        backoff.wait(self.stopping.is_set, loss)
        finally:
            env.close()
        self.get_logger().info(f"summary: {summary}")
        if self._done(summary):
            self.finish(0)

    def _own_settings(self) -> list[str]:
        """Return the settings that have parameters of their own."""
        return [
            f"train.seed={self.integer('seed')}",
            f"train.asynchronous={not self.flag('synchronous')}",
            f"train.threads={self.integer('threads')}",
        ]

    def _done(self, summary: Summary) -> bool:
        return 0 < self.integer("max_steps") <= summary.steps

    def _go_on(self, summary: Summary) -> bool:
        self._steps.add(summary.steps - self._steps.total)
        if time.monotonic() - self._reported >= self.number("progress_period"):
            self._reported = time.monotonic()
            of = f" of {self.integer('max_steps')}" if self.integer("max_steps") else ""
            self.get_logger().info(f"step {summary.steps}{of}: {summary}")
        return not self.stopping.is_set()

    def _publish_stats(self) -> None:
        stats = self._stats
        if stats is None:
            return
        message = stats.message()
        message.header.stamp = self.get_clock().now().to_msg()
        self._training.publish(message)
        values: dict[str, Any] = dict(zip(message.names, message.values, strict=True))
        self._idle.set(message.idle)
        self._per_step.set(values["updates_per_step"])
        self._steps.add(message.step - self._steps.total)
        if self._trainer is not None:
            self._losses.add(self._trainer.times_lost - self._losses.total)


def main() -> None:
    """Run the node; the entry point."""
    # Threads of an update that wait for each other leave the cores to the cell's other nodes.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is loaded
    run(PolicyNode)
