"""A node's reports, once a second: /diagnostics, and numbers that can be plotted."""

from __future__ import annotations

import math
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.event_handler import PublisherEventCallbacks
from std_msgs.msg import Float64

from mentor_common.messages import topics
from mentor_common.node.health import WARN, Health, Reading
from mentor_common.node.peers import PeerWatch
from mentor_common.node.working_node import WorkingNode


class Reporter:
    """Publishes the health of a node: every reading with its thresholds on /diagnostics, and
    each as a Float64 of its own on ``~/statistics/<name>_<unit>`` while the node is active."""

    def __init__(self, node: WorkingNode, health: Health, peers: PeerWatch) -> None:
        self._node, self._health, self._peers = node, health, peers
        self._diagnostics = node.create_publisher(
            topics.DIAGNOSTICS.type, topics.DIAGNOSTICS.name, topics.DIAGNOSTICS.qos
        )
        self._statistics: dict[str, Any] = {}

    def forget(self) -> None:
        """Forget the publishers of numbers, as they are destroyed."""
        self._statistics.clear()

    def report(self) -> None:
        """Publish one report."""
        node = self._node
        level, text, readings = self._health.report()
        if not node.active and level < WARN and node.state_label != "active":
            level, text = WARN, f"{node.state_label}"
        status = DiagnosticStatus(
            name=f"{node.full_name.lstrip('/')}: {type(node).__name__}",
            hardware_id=node.full_name,
            level=bytes([level]),
            message=text or "OK",
        )
        status.values.append(KeyValue(key="state", value=node.state_label))
        for reading in readings:
            key = f"{reading.name} [{reading.unit}]" if reading.unit else reading.name
            status.values.append(KeyValue(key=key, value=f"{reading.value:.6g}"))
            if str(reading.limits):
                status.values.append(
                    KeyValue(key=f"{reading.name} thresholds", value=str(reading.limits))
                )
        waiting = self._peers.waiting_for() if node.active else ""
        status.values.append(KeyValue(key="waiting for", value=waiting or "nobody"))
        message = DiagnosticArray(status=[status])
        message.header.stamp = node.get_clock().now().to_msg()
        self._diagnostics.publish(message)
        if node.active:
            for reading in readings:
                if not math.isnan(reading.value):
                    self._plot(reading)

    def _plot(self, reading: Reading) -> None:
        publisher = self._statistics.get(reading.name)
        if publisher is None:
            name = "".join(c if c.isalnum() else "_" for c in reading.name)
            unit = f"_{reading.unit.lower()}" if reading.unit else ""
            # Without event handlers: two for each number would double what a callback costs, as
            # the executor asks all of them at each turn.
            publisher = self._node.create_publisher(
                Float64,
                f"~/statistics/{name}{unit}",
                10,
                event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
            )
            self._statistics[reading.name] = publisher
        if publisher.get_subscription_count():
            publisher.publish(Float64(data=reading.value))
