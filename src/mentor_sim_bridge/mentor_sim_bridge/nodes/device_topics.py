"""The topics of the devices that a twin has beside its arm."""

from __future__ import annotations

from functools import partial
from typing import Any

from std_msgs.msg import Bool

from mentor_common.messages import topics
from mentor_common.node.cell_node import CellNode
from mentor_sim_bridge.twins.devices import HasDevices


class DeviceTopics:
    """Publishes a sensor when it changes, and switches what is told.

    Args:
        node: node of the twin; None of its devices has a topic if it has none.
        simulator: the twin.
    """

    def __init__(self, node: CellNode, simulator: Any) -> None:
        self._simulator = simulator if isinstance(simulator, HasDevices) else None
        self._publishers: dict[str, Any] = {}
        self._published: dict[str, bool] = {}
        if self._simulator is None:
            return
        for name in self._simulator.sensor_signals():
            self._publishers[name] = node.publisher(topics.device_signal(name, "twin"))
        for name in self._simulator.switches:
            topic = topics.device_signal(name, "reset node")
            node.subscription(topic, partial(self._switch, name))

    def publish(self) -> None:
        """Publish the sensors that have changed."""
        if self._simulator is None:
            return
        for name, signal in self._simulator.sensor_signals().items():
            if self._published.get(name) != signal:
                self._published[name] = signal
                self._publishers[name].publish(Bool(data=signal))

    def _switch(self, name: str, message: Bool) -> None:
        if self._simulator is not None:
            self._simulator.switch(name, bool(message.data))
