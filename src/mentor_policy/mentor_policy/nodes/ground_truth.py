"""Success by the true state, where the cell publishes one; for evaluation only."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from typing import Any

import gymnasium
from std_msgs.msg import String

from mentor_common.env.ros_env import RosEnv
from mentor_common.messages.topics import EVALUATION, truth
from mentor_common.node.cell_node import CellNode
from mentor_common.tasks.cable_routing import is_success

TRUE_STATES = truth("slot_states", String)
PATIENCE = 2.0
"""Seconds of wall time for which the true state of a step is waited for."""
KEPT = 512
"""Steps whose true state is remembered."""


class Truth:
    """Hears the true states; asked by the evaluation's environment.

    Args:
        node: whose cell is heard.
    """

    def __init__(self, node: CellNode) -> None:
        self._node = node
        self._successes: OrderedDict[tuple[int, int], bool] = OrderedDict()
        self._heard = threading.Condition()
        self._name = node.resolve_topic_name(TRUE_STATES.name)
        node.create_subscription(TRUE_STATES.type, TRUE_STATES.name, self._hear, TRUE_STATES.qos)

    @property
    def there(self) -> bool:
        """Whether somebody publishes the true state."""
        return bool(self._node.count_publishers(self._name))

    def success(self, episode: int, step: int) -> bool | None:
        """The episode's success as it truly stands at a step; None if nobody says."""
        key, until = (episode, step), time.monotonic() + PATIENCE
        with self._heard:
            while key not in self._successes:
                left = until - time.monotonic()
                if left <= 0.0 or not self.there:
                    return None
                self._heard.wait(min(left, 0.2))
            return self._successes[key]

    def _hear(self, message: String) -> None:
        fields = json.loads(message.data)
        success = fields.get("success")
        if success is None:
            success = is_success(int(fields["slot_1"]), int(fields["slot_2"]))
        with self._heard:
            self._successes[int(fields["episode"]), int(fields["step"])] = bool(success)
            while len(self._successes) > KEPT:
                self._successes.popitem(last=False)
            self._heard.notify_all()


class TrulyEvaluated(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Gives ``info["success"]`` of evaluation episodes by the true state, where there is one.

    Args:
        env: a RosEnv.
        truth: of its cell.
    """

    def __init__(self, env: RosEnv, truth: Truth) -> None:
        super().__init__(env)
        self._cell: Any = env
        self._truth = truth
        self._step = 0
        self.by_truth = 0
        """Evaluation episodes whose success is by the true state."""
        self.by_reward = 0
        """Evaluation episodes whose success is by the reward."""

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
            true = self._truth.success(cell.episode, self._step) if self._truth.there else None
            if true is None:
                self.by_reward += 1
            else:
                info = {**info, "success": true}
                self.by_truth += 1
        return observation, reward, terminated, truncated, info

    @property
    def judge(self) -> str:
        """By what the evaluation episodes since the start were judged, as text."""
        if not self.by_truth:
            return "by the reward's own flag"
        if not self.by_reward:
            return "by the true state"
        return f"by the true state in {self.by_truth} episodes, by the reward's flag in the others"
