"""Success by ground truth, where the cell publishes it; for evaluation only."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

import gymnasium

from mentor_common.env.ros_env import RosEnv
from mentor_common.messages.cdr import CdrError, CdrReader
from mentor_common.messages.topics import EVALUATION, GROUND_TRUTH
from mentor_common.node.cell_node import CellNode

PATIENCE = 2.0
"""Seconds of wall time for which the ground truth of a step is waited for."""
KEPT = 512
"""Steps whose ground truth is kept."""
REPORT_PERIOD = 1.0
"""Seconds between two log lines about messages that cannot be read, at least."""


class GroundTruthReceiver:
    """Receives the ground truth of a cell; asked by the evaluation's environment.

    Nothing is joined: it is one kind of message, looked up by its step.

    Args:
        node: node whose cell it is. Its executor receives, another thread asks.
    """

    def __init__(self, node: CellNode) -> None:
        self._node = node
        self._successes: OrderedDict[tuple[int, int], bool] = OrderedDict()
        self._received = threading.Condition()
        self._unreadable = node.health.counter("ground truth unreadable")
        self._reported = 0.0
        self._name = node.resolve_topic_name(GROUND_TRUTH.name)
        # Raw: the client library's reader trusts the lengths in a message of anybody.
        node.create_subscription(
            GROUND_TRUTH.type, GROUND_TRUTH.name, self._on_message, GROUND_TRUTH.qos, raw=True
        )

    @property
    def available(self) -> bool:
        """Whether somebody publishes ground truth."""
        return bool(self._node.count_publishers(self._name))

    def success(self, episode: int, step: int) -> bool | None:
        """Return the episode's success as it stands at a step; None if nobody publishes it."""
        key, until = (episode, step), time.monotonic() + PATIENCE
        with self._received:
            while key not in self._successes:
                left = until - time.monotonic()
                if left <= 0.0 or not self.available:
                    return None
                self._received.wait(min(left, 0.2))
            return self._successes[key]

    def _on_message(self, data: bytes) -> None:
        try:
            episode, step, success = read_success(data)
        except CdrError as error:
            self._unreadable.add()
            if time.monotonic() - self._reported >= REPORT_PERIOD:
                self._reported = time.monotonic()
                self._node.get_logger().warning(f"a message on {self._name} is dropped: {error}")
            return
        with self._received:
            # The first one holds: a later message of the same step is not the twin's.
            self._successes.setdefault((episode, step), success)
            while len(self._successes) > KEPT:
                self._successes.popitem(last=False)
            self._received.notify_all()


def read_success(data: bytes) -> tuple[int, int, bool]:
    """Read episode, step and success from the bytes of a GroundTruth message.

    Raises:
        CdrError: they are no such message.
    """
    reader = CdrReader(data, "GroundTruth")
    reader.header()
    episode, step, success = reader.number("Q"), reader.number("I"), reader.number("?")
    names = reader.texts()
    values = [reader.number("d") for _ in range(reader.count(8))]
    reader.end()
    if len(names) != len(values):
        raise CdrError(f"GroundTruth: {len(names)} names, {len(values)} values")
    return episode, step, success


class GroundTruthEvaluation(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Takes ``info["success"]`` of evaluation episodes from ground truth, where there is any.

    Args:
        env: a RosEnv.
        ground_truth: ground truth of its cell.
    """

    def __init__(self, env: RosEnv, ground_truth: GroundTruthReceiver) -> None:
        super().__init__(env)
        self._cell: Any = env
        self._ground_truth = ground_truth
        self._step = 0
        self.by_ground_truth = 0
        """Evaluation episodes whose success is from ground truth."""
        self.by_reward = 0
        """Evaluation episodes whose success is the reward's own flag."""

    def reset(self, **arguments: Any) -> Any:
        """See gymnasium."""
        self._step = 0
        return self.env.reset(**arguments)

    def step(self, action: Any) -> Any:
        """See gymnasium."""
        self.send(action)
        return self.receive()

    def send(self, action: Any) -> None:
        """See RosEnv."""
        self._cell.send(action)

    def receive(self) -> Any:
        """See RosEnv."""
        cell = self._cell
        observation, reward, terminated, truncated, info = cell.receive()
        self._step += 1
        if cell.purpose == EVALUATION and (terminated or truncated):
            success = None
            if self._ground_truth.available:
                success = self._ground_truth.success(cell.episode, self._step)
            if success is None:
                self.by_reward += 1
            else:
                info = {**info, "success": success}
                self.by_ground_truth += 1
        return observation, reward, terminated, truncated, info

    @property
    def source(self) -> str:
        """Where the success of the evaluation episodes since the start comes from, as text; empty:
        there were none, as in a run that was complete already."""
        if not (self.by_ground_truth or self.by_reward):
            return ""
        if not self.by_ground_truth:
            return "by the reward's own flag"
        if not self.by_reward:
            return "by ground truth"
        return f"by ground truth in {self.by_ground_truth} episodes, by the reward's flag in others"
