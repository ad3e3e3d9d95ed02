"""An action server that takes a flood of goals off its queue at hardly any cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.action import ActionServer
from rclpy.qos import QoSProfile, qos_profile_services_default

from mentor_common.node.client_errors import OneAtATime
from mentor_common.node.goal_senders import GoalSenders

QUEUED = 200
"""Goals that wait at most: enough that one of the cell's holder is not pushed out by a flood."""
DRAINED = 500
"""Goals that are taken off the queue at most before others have their turn."""


class GoalIntake(OneAtATime, ActionServer):
    """An action server that drops goals of a flood unanswered.

    Args:
        senders: decides which goals belong to a flood.
        dropped: called with a text and a number of goals that were dropped.
        node: node of rclpy's action server.
        action_type: action type of rclpy's action server.
        action_name: full name of the action.
        execute: `execute_callback` of rclpy's action server.
        callbacks: callbacks of rclpy's action server.

    Attributes:
        action_name: full name of the action.
        taken: id of the goal that was taken last.
    """

    def __init__(
        self,
        senders: GoalSenders,
        dropped: Callable[[str, int], None],
        node: Any,
        action_type: Any,
        action_name: str,
        execute: Callable[[Any], Any],
        **callbacks: Callable[[Any], Any],
    ) -> None:
        self.action_name, self.taken = action_name, b""
        self._senders, self._dropped = senders, dropped
        usual = qos_profile_services_default
        queue = QoSProfile(
            history=usual.history,
            depth=QUEUED,
            reliability=usual.reliability,
            durability=usual.durability,
        )
        super().__init__(
            node, action_type, action_name, execute, goal_service_qos_profile=queue, **callbacks
        )

    def take_data(self) -> Any:
        """Take what has arrived; of the goals, the next one that belongs to no flood."""
        data = super().take_data()
        dropped = 0
        while "goal" in data and not self._let_through(data["goal"]):
            del data["goal"]
            dropped += 1
            if dropped == DRAINED:
                break
            self._is_goal_request_ready = True
            data.update(super().take_data())
        if dropped:
            self._dropped(f"the action {self.action_name}: too many goals in a second", dropped)
        return data

    def _let_through(self, taken: Any) -> bool:
        _, request = taken
        self.taken = bytes(request.goal_id.uuid)
        return self._senders.lets_through(self.taken)
