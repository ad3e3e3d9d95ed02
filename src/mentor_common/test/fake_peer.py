"""A node that plays the peers of a tested node, over real DDS."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor

from mentor_common.messages import topics
from mentor_common.node.dds import configure_dds


class FakePeer:
    """A node in a context of its own, whose callbacks run on threads of their own."""

    def __init__(self, name: str, namespace: str | None = None) -> None:
        configure_dds()  # as every process of a cell does
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node(name, namespace=namespace, context=self.context)
        self.states: list[str] = []
        """The lifecycle states in the reports of ``record_diagnostics``, one a report."""

    def begin(self, threads: int = 1) -> None:
        """Begin to spin, once all that the node has is made."""
        if threads == 1:
            self._executor = SingleThreadedExecutor(context=self.context)
        else:
            self._executor = MultiThreadedExecutor(threads, context=self.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin)
        self._thread.start()

    def close(self) -> None:
        """Stop spinning and destroy the node."""
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        self.context.try_shutdown()

    def record_diagnostics(self, of: str) -> list[tuple[int, str]]:
        """Return a list that receives level and message of each report of nodes named ``of``."""
        reports: list[tuple[int, str]] = []
        self.states.clear()

        def on_diagnostics(message: DiagnosticArray) -> None:
            for status in message.status:
                if of in status.name:
                    reports.append((status.level[0], status.message))
                    values = {v.key: v.value for v in status.values}
                    state = values.get("state", "")
                    unknown = self._does_not_know_us(values.get("waiting for", ""))
                    self.states.append(f"{state}, but has not found us" if unknown else state)

        topic = topics.DIAGNOSTICS
        self.node.create_subscription(topic.type, topic.name, on_diagnostics, topic.qos)
        return reports

    def record_log(self, of: str) -> list[str]:
        """Return a list that receives each line which nodes named ``of`` log."""
        lines: list[str] = []

        def on_log(message: Log) -> None:
            if message.name.endswith(of):
                lines.append(message.msg)

        self.node.create_subscription(Log, "/rosout", on_log, 1000)
        return lines

    def _does_not_know_us(self, waiting: str) -> bool:
        """Whether a node still waits for a topic that is published here: a matched publisher is not
        known to the other side yet, which then loses sensor data."""
        return any(
            re.search(rf"publishes {re.escape(publisher.topic_name)}(?![\w/])", waiting)
            for publisher in self.node.publishers
        )

    def wait_until_active(self, connected: Callable[[], bool], who: str) -> None:
        """Wait until this peer finds the node, and the node reports that it is active and has found
        what this peer publishes."""
        assert self.wait(connected, 60.0), f"{who} did not come"
        self.states.clear()
        assert self.wait(lambda: "active" in self.states, 60.0), f"{who} is not active"

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Return whether ``done`` becomes true in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not done():
            time.sleep(0.005)
        return done()
