"""The collector of the golf cell: a light sensor and a motor on the pins of a Raspberry Pi."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

FACTORY = "GPIOZERO_PIN_FACTORY"
"""Environment variable: how gpiozero reaches the pins of a real board, e.g. `lgpio`, or `pigpio`
with PIGPIO_ADDR for a board on the network. Where it is not set, its mock pins stand in."""


class BallCollector:
    """Reads the sensor and switches the motor through gpiozero; the motor is off at first.

    Args:
        sensor_pin: high while the sensor sees a ball; BCM number.
        motor_pin: high: the motor runs.
        on_motor: called with what the motor's pin is switched to; drives a simulated motor.

    Raises:
        OSError: the board cannot be reached, or a pin is not usable.
    """

    def __init__(
        self,
        sensor_pin: int,
        motor_pin: int,
        on_motor: Callable[[bool], None] = lambda on: None,
    ) -> None:
        import gpiozero  # not needed by other tasks
        from gpiozero.pins.mock import MockFactory

        self._on_motor = on_motor
        self._sensor_pin, self._motor_pin = sensor_pin, motor_pin
        self.simulated = os.environ.get(FACTORY, "mock") == "mock"
        """Whether gpiozero's mock pins stand in for a board."""
        self._factory: Any = MockFactory() if self.simulated else None
        self._sensor: Any = None
        self._motor: Any = None
        try:
            self._sensor = gpiozero.DigitalInputDevice(
                sensor_pin, pull_up=False, pin_factory=self._factory
            )
            self._motor = gpiozero.DigitalOutputDevice(motor_pin, pin_factory=self._factory)
        except (gpiozero.GPIOZeroError, ImportError, RuntimeError, ValueError) as error:
            self._release()
            raise OSError(
                f"the collector's pins {sensor_pin} and {motor_pin} cannot be used with "
                f"{FACTORY}={os.environ.get(FACTORY)}: {error}"
            ) from error
        self.run_motor(False)

    def sees_ball(self) -> bool:
        """Return whether the light sensor sees a ball."""
        return bool(self._sensor.value)

    def run_motor(self, on: bool) -> None:
        """Switch the motor on or off."""
        self._motor.value = on
        self._on_motor(self.motor_runs)

    @property
    def motor_runs(self) -> bool:
        """Whether the motor is switched on."""
        return bool(self._motor.value)

    def set_sensor(self, sees: bool) -> None:
        """Drive the mock pin of the sensor, as a simulated collector does."""
        pin = self._factory.pin(self._sensor_pin)
        if sees:
            pin.drive_high()
        else:
            pin.drive_low()

    def close(self) -> None:
        """Switch the motor off and let the pins go."""
        self.run_motor(False)
        self._release()

    def _release(self) -> None:
        for taken in (self._motor, self._sensor, self._factory):
            if taken is not None:
                taken.close()
