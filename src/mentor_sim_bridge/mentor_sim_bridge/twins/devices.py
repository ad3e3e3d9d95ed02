"""What a twin offers that has devices beside its arm: sensors that are read, switches that are set.

The reset routine's pins, or whatever it uses, follow them over the topics ``device/<name>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

SENSOR_STUCK, MOTOR_DEAD, BALL_LOST = "sensor stuck", "motor dead", "ball lost"
FAULTS = (SENSOR_STUCK, MOTOR_DEAD, BALL_LOST)
"""Faults of a collector, for rehearsal: the sensor always sees a ball, the motor does not turn, or
the ball never arrives."""


@runtime_checkable
class HasDevices(Protocol):
    """A simulator with devices.

    Attributes:
        switches: names of what can be switched on and off.
    """

    switches: tuple[str, ...]

    def sensor_signals(self) -> Mapping[str, bool]:
        """Return the reading of each sensor now, by name."""
        ...

    def switch(self, name: str, on: bool) -> None:
        """Switch a device; called from another thread than that of the motions."""
        ...

    def set_device_fault(self, fault: str) -> None:
        """Have a fault, one of FAULTS, or none: empty."""
        ...
