"""The topics of the devices that a twin has beside its arm, and their faults for rehearsal."""

from __future__ import annotations

from functools import partial
from typing import Any

from std_msgs.msg import Bool

from mentor_common.messages import topics
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_sim_bridge.twins.devices import FAULTS, HasDevices

COLLECTOR_FAULT = Param(
    "collector_fault", "str", "",
    "fault of the twin's collector, for rehearsal; empty: none", choices=("", *FAULTS),
)  # fmt: skip


class DeviceTopics:
    """Publishes a sensor when it changes, and switches what is told.

    Args:
        node: node of the twin, with the parameter COLLECTOR_FAULT.
        simulator: the twin; one without devices has no topics.
    """

    def __init__(self, node: CellNode, simulator: Any) -> None:
        self._node = node
        self._simulator = simulator if isinstance(simulator, HasDevices) else None
        self._publishers: dict[str, Any] = {}
        self._published: dict[str, bool] = {}
        self._fault = ""
        if self._simulator is None:
            return
        for name in self._simulator.sensor_signals():
            self._publishers[name] = node.publisher(topics.device_signal(name, "twin"))
        for name in self._simulator.switches:
            topic = topics.device_signal(name, "reset node")
            node.subscription(topic, partial(self._switch, name))

    def publish(self) -> None:
        """Have the fault that the parameter names; publish the sensors that have changed."""
        fault = self._node.text(COLLECTOR_FAULT.name)
        if self._simulator is None:
            if fault and fault != self._fault:
                self._node.get_logger().error(
                    f"{COLLECTOR_FAULT.name} is '{fault}', but this twin has no collector"
                )
            self._fault = fault
            return
        self._simulator.set_device_fault(fault)
        for name, signal in self._simulator.sensor_signals().items():
            if self._published.get(name) != signal:
                self._published[name] = signal
                self._publishers[name].publish(Bool(data=signal))

    def _switch(self, name: str, message: Bool) -> None:
        if self._simulator is not None:
            self._simulator.switch(name, bool(message.data))
