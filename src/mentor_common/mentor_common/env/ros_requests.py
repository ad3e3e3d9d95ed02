"""What an agent asks of an environment between episodes: what it is, and for a new episode."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node

from mentor_common.messages import topics
from mentor_common.node.actions import PATIENCE
from mentor_common.node.goal_senders import goal_id
from mentor_msgs.action import ResetEpisode
from mentor_msgs.srv import Describe

log = logging.getLogger("mentor.ros_env")

POLL = 0.25
"""Seconds of wall time between two checks whether the peers are still there."""
WARN_AFTER = 5.0
"""Seconds after which somebody who is waited for is named in the log."""
_SERVER = topics.RESET_EPISODE.server


class EnvironmentLost(RuntimeError):
    """The environment did not answer in time or is gone; names who is missing. ``reset`` tries
    again."""

    answered = False
    """Whether the environment itself reported the failure, so that more tries may be in vain."""


class ResetFailed(EnvironmentLost):
    """The environment answered that it cannot begin an episode, and why."""

    answered = True


class Requests:
    """The clients of ``describe`` and ``reset_episode``.

    Args:
        node: that the clients belong to.
        resolve: gives a name its namespace.
        spin: serves the node's callbacks until a condition holds or a time.monotonic() is reached.
        key: returns the key of the claim of whoever asks, which marks its goals.
        inactive: which nodes of the cell do not work, with their states.
    """

    def __init__(
        self,
        node: Node,
        resolve: Callable[[str], str],
        spin: Callable[[Callable[[], bool], float], None],
        key: Callable[[], str | None],
        inactive: Callable[[], list[str]] = list,
    ) -> None:
        self._node = node
        self._key = key
        self._inactive = inactive
        self._spin = spin
        self._describe = node.create_client(Describe, resolve(topics.DESCRIBE.name))
        self._reset_name = node.resolve_topic_name(resolve(topics.RESET_EPISODE.name))
        self._reset: Any = ActionClient(node, ResetEpisode, self._reset_name)
        self._under_way: Any = None  # handle of the goal whose result is awaited
        self._leaving = threading.Lock()

    def describe(self, until: float, ready: bool = False) -> Describe.Response:
        """Ask the environment what it is, until it answers (and is ready).

        Raises: EnvironmentLost.
        """
        name = self._node.resolve_service_name(self._describe.srv_name)
        begin, reported, why = time.monotonic(), False, ""
        while True:
            why = f"nobody serves {name} (usually the {topics.DESCRIBE.server})"
            if self._describe.service_is_ready():
                future = self._describe.call_async(Describe.Request())
                self._spin(future.done, min(until, time.monotonic() + 2.0))
                if future.done():
                    answer: Any = future.result()
                    if answer.ready or not ready:
                        if reported:
                            log.info("%s answers after %.1f s", name, time.monotonic() - begin)
                        return answer
                    why = f"{answer.environment} is not ready: {answer.message}"
                else:
                    self._describe.remove_pending_request(future)
                    why = f"{name} does not answer"
            reported = self._report_wait(begin, until, why, reported)
            self._spin(lambda: False, min(until, time.monotonic() + 0.1))

    def reset(
        self, seed: int | None, names: list[str], values: list[str], until: float
    ) -> ResetEpisode.Result:
        """Call ``reset_episode`` and wait for its result. Raises: EnvironmentLost."""
        begin, patience = time.monotonic(), PATIENCE
        goal = ResetEpisode.Goal(
            seeded=seed is not None, seed=seed or 0, option_names=names, option_values=values
        )
        while True:
            self._await_server(begin, until)
            goal.timeout = max(0.1, until - time.monotonic())
            server = self._endpoints(f"{self._reset_name}/_action/status")
            stage = [""]

            def on_feedback(message: Any, stage: list[str] = stage) -> None:
                waits = message.feedback.waiting_for
                stage[0] = f"stage '{message.feedback.stage}'" + (
                    f", which waits for {waits}" if waits else ""
                )

            sent = self._reset.send_goal_async(
                goal, feedback_callback=on_feedback, goal_uuid=goal_id(self._key())
            )
            again = time.monotonic() + patience
            if not self._await(sent, min(until, again), server, stage):
                if again < until:
                    patience *= 2  # see PATIENCE
                    continue
                raise self._unfinished(begin, stage)
            handle: Any = sent.result()
            if handle.accepted:
                break
            if time.monotonic() >= until:
                raise EnvironmentLost(
                    f"{self._reset_name} ({_SERVER}) rejects the reset{self._whose_fault()}"
                )
            self._spin(lambda: False, time.monotonic() + 0.2)
        self._under_way = handle
        done = handle.get_result_async()
        try:
            if not self._await(done, until, server, stage):
                raise self._unfinished(begin, stage)
        except EnvironmentLost:
            self._cancel()
            raise
        self._under_way = None
        result: Any = done.result().result
        if not result.success:
            raise ResetFailed(
                f"{self._reset_name} ({_SERVER}) failed{_during(stage)}: "
                f"{result.message or 'no reason given'}"
            )
        return result

    def destroy(self) -> None:
        """Leave the graph, before its node does; a reset under way is cancelled."""
        self._cancel()
        self._reset.destroy()

    # Inner workings.

    def _cancel(self) -> None:
        """Cancel the reset under way, once: whoever waits for it, or whoever closes meanwhile."""
        with self._leaving:
            handle, self._under_way = self._under_way, None
            if handle is not None and self._node.context.ok():
                handle.cancel_goal_async()

    def _await_server(self, begin: float, until: float) -> None:
        reported = False
        while not self._reset.server_is_ready():
            why = f"nobody serves the action {self._reset_name} (usually the {_SERVER})"
            reported = self._report_wait(begin, until, why, reported)
            self._spin(lambda: False, min(until, time.monotonic() + 0.05))

    def _await(self, future: Any, until: float, server: frozenset[Any], stage: list[str]) -> bool:
        status = f"{self._reset_name}/_action/status"
        while not future.done() and time.monotonic() < until:
            self._spin(future.done, min(until, time.monotonic() + POLL))
            if not future.done() and server and not server & self._endpoints(status):
                raise EnvironmentLost(
                    f"whoever served {self._reset_name} (usually the {_SERVER}) is gone"
                    f"{_during(stage)}"
                )
        return bool(future.done())

    def _unfinished(self, begin: float, stage: list[str]) -> EnvironmentLost:
        return EnvironmentLost(
            f"{self._reset_name} ({_SERVER}) did not finish in "
            f"{time.monotonic() - begin:.1f} s{_during(stage)}{self._whose_fault()}"
        )

    def _whose_fault(self) -> str:
        """Return which nodes do not work, to be appended to a sentence."""
        idle = self._inactive()
        return f": {', '.join(idle)}" if idle else ""

    def _report_wait(self, begin: float, until: float, why: str, reported: bool) -> bool:
        """Log a long wait once; return whether it is logged. Raises: EnvironmentLost if overdue."""
        now = time.monotonic()
        if now >= until:
            raise EnvironmentLost(f"waited {now - begin:.1f} s: {why}{self._whose_fault()}")
        if not reported and now - begin > WARN_AFTER:
            log.warning("RosEnv waits since %.1f s: %s%s", now - begin, why, self._whose_fault())
            return True
        return reported

    def _endpoints(self, topic: str) -> frozenset[Any]:
        infos = self._node.get_publishers_info_by_topic(topic)
        return frozenset(bytes(info.endpoint_gid) for info in infos)


def _during(stage: list[str]) -> str:
    return f" in {stage[0]}" if stage[0] else ""
