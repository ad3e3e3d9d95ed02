"""The reset of tabletop golf (App. C.4): go to the start while the collector brings the ball."""

from __future__ import annotations

import threading
from typing import Any

from mentor_common.tasks.golf_court import BallPlace
from mentor_common.tasks.reset_routine import (
    BEGIN_EPISODE,
    AskForHelp,
    Move,
    PartFailed,
    Parts,
    ResetContext,
    ResetRoutine,
    Rest,
    Wait,
)
from mentor_common.tasks.tabletop_golf import BALL_LOST, BALL_PLACE, LIGHT_SENSOR, MOTOR
from mentor_common.tasks.task import Task
from mentor_reset.devices.ball_collector import FACTORY, BallCollector

REPEAT = 1.0
"""Seconds of wall time after which a simulated motor's signal is published again."""


class TabletopGolfReset(ResetRoutine):
    """Goes to the start, waits for the ball that has left the court, and has the motor return it.

    A ball that is still on the court stays there. One that does not arrive, or that the motor does
    not return, becomes a request to a person; after the answer the routine continues.

    Args:
        task: its section ``reset.settings`` has the collector's pins and times.

    Raises:
        TaskError: the section is refused.
    """

    stages = ("move_to_start", "return_ball", "wait_until_still")

    def __init__(self, task: Task) -> None:
        settings = task.reset.settings
        self._sensor_pin = settings.integer("sensor_pin", 0, 27)
        self._motor_pin = settings.integer("motor_pin", 0, 27)
        if self._motor_pin == self._sensor_pin:
            raise settings.refuse("motor_pin", self._motor_pin, "another pin than sensor_pin")
        self._return_time = settings.number("return_time", 0.0, 600.0, above=True)
        self._motor_time = settings.number("motor_time", 0.0, 600.0, above=True)
        self._help_timeout = settings.number("help_timeout", 0.0, 86400.0, above=True)
        settings.end()
        self._still = (task.reset.still_time, task.reset.still_distance)
        self._has_left = self._motor_runs = False
        self._collector: BallCollector | None = None

    def open(self, node: Any) -> None:
        """Take the pins; without a board, exchange their signals with a simulated collector.

        Raises:
            OSError: the board cannot be reached.
        """
        if node is None:
            self.use(BallCollector(self._sensor_pin, self._motor_pin))
            return
        from mentor_common.messages import topics

        motor = node.publisher(topics.device_signal(MOTOR, "reset node"))

        lock = threading.Lock()

        def publish(on: bool | None = None) -> None:
            with lock:  # the newest signal is the last one
                self._motor_runs = self._motor_runs if on is None else on
                motor.publish(_signal(self._motor_runs))

        collector = BallCollector(self._sensor_pin, self._motor_pin, publish)
        self.use(collector)
        node.subscription(topics.REWARD, self.note_reward)
        pins = f"pins {self._sensor_pin} (light sensor) and {self._motor_pin} (motor)"
        if collector.simulated:
            light = topics.device_signal(LIGHT_SENSOR, "twin")
            node.subscription(light, lambda message: collector.set_sensor(message.data))
            node.peers.publisher_of(light)
            # A simulated motor may still run since this node was killed.
            node.timer(REPEAT, publish, wall=True)
            node.get_logger().info(
                f"collector: mock {pins}, driven by {light.name}; for a board set {FACTORY}"
            )
        else:
            node.get_logger().info(f"collector: {pins} of the board")

    def use(self, collector: BallCollector) -> None:
        """Use an opened collector."""
        self._collector = collector

    def close(self) -> None:
        """Switch the motor off and let the pins go."""
        if self._collector is not None:
            self._collector.close()
            self._collector = None

    def note_reward(self, reward: Any) -> None:
        """Remember where the ball is by the states of a step's reward, until the reset has ended.

        A reward without these states, such as that of an arm fault, changes nothing.

        Args:
            reward: a Reward message.
        """
        states = dict(zip(reward.state_names, reward.states, strict=False))
        if BALL_LOST in states or BALL_PLACE in states:
            left = states.get(BALL_PLACE, float(BallPlace.ON_COURT)) > BallPlace.ON_COURT
            self._has_left = left or states.get(BALL_LOST, 0.0) > 0.0

    def parts(self, context: ResetContext) -> Parts:
        """Begin an attempt."""
        yield Move("move_to_start", context.start)
        yield from self._return_ball()
        yield Rest("wait_until_still", *self._still)
        self._has_left = False
        yield Move(BEGIN_EPISODE, context.start, begins_episode=True)

    def _return_ball(self) -> Parts:
        """Wait for the ball if it has left the court, and have the motor return it."""
        collector = self._collector
        if collector is None:
            return
        while self._has_left or collector.sees_ball():
            try:
                yield Wait("return_ball", collector.sees_ball, self._return_time, self._coming)
                collector.run_motor(True)
                yield Wait("return_ball", lambda: not collector.sees_ball(), self._motor_time,
                           self._lifted)  # fmt: skip
                self._has_left = False  # it is back, even if a later part fails
                return
            except PartFailed as failure:
                collector.run_motor(False)
                if not isinstance(failure.part, Wait):
                    raise  # the arm, whose simulated time the wait needs
                request = f"put the ball onto the court and look at the collector: {failure.reason}"
                yield AskForHelp("return_ball", request, self._help_timeout)
                self._has_left = False
            finally:
                collector.run_motor(False)

    @property
    def _coming(self) -> str:
        return f"the ball at the light sensor (pin {self._sensor_pin}{self._stand_in})"

    @property
    def _lifted(self) -> str:
        return (
            f"the ball's way up (motor on pin {self._motor_pin} runs, light sensor on pin "
            f"{self._sensor_pin} sees a ball{self._stand_in})"
        )

    @property
    def _stand_in(self) -> str:
        simulated = self._collector is not None and self._collector.simulated
        return f"; mock pins, for a board set {FACTORY}" if simulated else ""


def _signal(on: bool) -> Any:
    from std_msgs.msg import Bool

    return Bool(data=on)
