"""The policy node: an agent that acts over the topics of a cell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from mentor_common import topics
from mentor_common.cell_node import CellNode
from mentor_common.cell_node import main as run
from mentor_common.parameters import Param
from mentor_common.ros_env import EnvironmentLost, RosEnv
from mentor_policy.roll_out import Summary, roll_out

AGENTS = ("random",)


class PolicyNode(CellNode):
    """Acts until `max_steps` are done, then says what came of it and ends with status 0."""

    PARAMETERS: ClassVar[Sequence[Param]] = (
        Param("agent", "str", "random", "who acts", choices=AGENTS, read_only=True),
        Param("max_steps", "int", 0, "environment steps after which the node ends; 0: never",
              low=0, high=10**9, read_only=True),
        Param("seed", "int", 0, "seed of the agent and of the first reset",
              low=0, high=2**31 - 1, read_only=True),
        Param("step_timeout", "float", 10.0,
              "seconds of wall time after which a step without an answer has failed",
              low=0.1, high=3600.0, read_only=True),
        Param("reset_timeout", "float", 60.0,
              "seconds of wall time after which a reset has failed; it is then tried again",
              low=0.1, high=3600.0, read_only=True),
        Param("progress_period", "float", 5.0, "seconds of wall time between two progress lines",
              low=0.1, high=3600.0),
    )  # fmt: skip

    def configure(self) -> None:
        """Watch for whoever answers."""
        self.partners.publisher_of(topics.OBSERVATION)
        self.partners.publisher_of(topics.REWARD)
        self.partners.action(topics.RESET_EPISODE)
        self._steps = self.health.counter("steps")
        self._losses = self.health.counter("environment lost")

    def activate(self) -> None:
        """Begin to act, in a thread beside the callbacks."""
        self.start_worker("roll-out", self._roll_out)

    def _roll_out(self) -> None:
        env = self._connect()
        if env is None:
            return
        summary = Summary()
        try:
            env.action_space.seed(self.integer("seed"))
            self._said = time.monotonic()
            while not self.stopping.is_set() and not self._done(summary):
                try:
                    roll_out(
                        env,
                        lambda _: env.action_space.sample(),
                        self.integer("max_steps"),
                        seed=self.integer("seed") if summary.steps == 0 else None,
                        summary=summary,
                        go_on=self._go_on,
                    )
                except EnvironmentLost as loss:
                    self._losses.add()
                    self.get_logger().warning(f"environment lost, reset is tried again: {loss}")
        finally:
            env.close()
        self.get_logger().info(f"summary: {summary}")
        if self._done(summary):
            self.finish(0)

    def _connect(self) -> RosEnv | None:
        while not self.stopping.is_set():
            try:
                return RosEnv(
                    node=self,
                    timeout=self.number("step_timeout"),
                    reset_timeout=self.number("reset_timeout"),
                    connect_timeout=2.0,
                )
            except EnvironmentLost:
                continue  # the partner watch says who is waited for
        return None

    def _done(self, summary: Summary) -> bool:
        return 0 < self.integer("max_steps") <= summary.steps

    def _go_on(self, summary: Summary) -> bool:
        self._steps.add()
        if time.monotonic() - self._said >= self.number("progress_period"):
            self._said = time.monotonic()
            of = f" of {self.integer('max_steps')}" if self.integer("max_steps") else ""
            self.get_logger().info(f"step {summary.steps}{of}: {summary}")
        return not self.stopping.is_set()


def main() -> None:
    """Entry point."""
    run(lambda: PolicyNode("policy"))
