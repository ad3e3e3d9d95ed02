"""The devices of a rehearsal's world, as its own process and the rehearsal node see them."""

from __future__ import annotations

from collections.abc import Mapping

from mentor_sim_bridge.twins.devices import FAULTS, HasDevices
from mentor_sim_bridge.twins.rehearsal.shared_state import SharedState

_NUMBERED = ("", *FAULTS)


def sensor_bits(devices: HasDevices) -> int:
    """Return what the sensors say, one bit each, in the order of their names."""
    signals = devices.sensor_signals()
    return sum(signals[name] << index for index, name in enumerate(sorted(signals)))


def set_switches(devices: HasDevices, bits: int) -> None:
    """Set all switches, one bit each, in their order."""
    for index, name in enumerate(devices.switches):
        devices.switch(name, bool(bits >> index & 1))


def set_fault(devices: HasDevices, number: int) -> None:
    """Set the fault of a number, as SharedState has it."""
    devices.set_device_fault(_NUMBERED[number])


class SharedDevices:
    """The devices of another process's world (see HasDevices).

    Args:
        devices: devices of a copy of that world; it has their names.
        shared: what the world publishes and reads.
    """

    def __init__(self, devices: HasDevices, shared: SharedState) -> None:
        self.switches = tuple(devices.switches)
        self._sensors = sorted(devices.sensor_signals())
        self._shared = shared

    def sensor_signals(self) -> Mapping[str, bool]:
        """Return the reading of each sensor; all are low while there is no world."""
        state = self._shared.read()
        bits = 0 if state is None else state.sensors
        return {name: bool(bits >> index & 1) for index, name in enumerate(self._sensors)}

    def switch(self, name: str, on: bool) -> None:
        """Switch a device of the world."""
        bit = 1 << self.switches.index(name)
        self._shared.switches = self._shared.switches & ~bit | (bit if on else 0)

    def set_device_fault(self, fault: str) -> None:
        """Have the world's devices fail, or mend them: empty."""
        self._shared.fault = _NUMBERED.index(fault)
