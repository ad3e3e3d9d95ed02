"""Node: a real arm, over FCI or over the topics of its controllers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from rclpy.parameter import Parameter
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from mentor_arm.backends.driver import Driver
from mentor_arm.backends.fci import FciDriver
from mentor_arm.backends.real_arm import RECONNECT_EVERY, RealArm
from mentor_arm.backends.ros2_control import Ros2ControlDriver
from mentor_arm.backends.stand_in import StandInDriver
from mentor_arm.limits import check_actions, task_bounds
from mentor_common.arm.arm_node_base import ArmNodeBase
from mentor_common.arm.command import Command
from mentor_common.arm.messages import stamped_wrench
from mentor_common.cell.cell_file import Cell, find_cell
from mentor_common.cell.rehearsal_place import REHEARSAL, rehearsal_address
from mentor_common.messages import topics
from mentor_common.messages.experience import nanoseconds_to_time
from mentor_common.messages.topics import Interface
from mentor_common.node import health
from mentor_common.node.parameters import Param
from mentor_common.node.running import main as run_node
from mentor_common.tasks.task import Task

HOLD = Interface("hold", Trigger, "arm")
ARMED = Interface("armed", SetBool, "arm")
_STATE_PERIOD = 0.02  # seconds between two publications of the state while nothing is to do
_NOT_ARMED = (
    "the arm is not armed: a person has to allow motions "
    "(python -m mentor_bringup.call armed true, or armed:=true at the launch)"
)


class RealArmNode(ArmNodeBase):
    """The arm of a real cell, or of its rehearsal.

    Nothing moves before a person has armed it; `hold` stops and disarms it at once. A fault ends
    the episode: the motion that it interrupts, or that it prevents, is published as failed.
    """

    NAME = "arm"
    PARAMETERS: ClassVar[Sequence[Param]] = (
        *ArmNodeBase.PARAMETERS,
        Param(
            "backend", "str", "fci",
            "how the robot is reached: its own interface, the topics of its controllers, or a "
            "stand-in without a robot",
            choices=("fci", "ros2_control", "stand_in"), read_only=True,
        ),
        Param("cell_file", "str", "", "path of the cell file; empty: defaults", read_only=True),
        Param(
            "armed", "bool", False,
            "whether the arm may move; to be set by a person at the beginning of a session",
        ),
        Param(
            "rate", "float", 100.0, "commands per second", low=10.0, high=1000.0, read_only=True
        ),
        Param(
            "watchdog", "float", 3.0,
            "seconds without a stacker that receives motions after which no action is executed; "
            "0: no watchdog",
            low=0.0, high=60.0,
        ),
        Param(
            "max_pose_age", "float", 0.2,
            "seconds by which the stamps of the controllers' poses may be older or newer than this "
            "machine's clock before diagnostics warn",
            low=0.01, high=60.0, read_only=True,
        ),
    )  # fmt: skip

    def make_backend(self, task: Task) -> RealArm:
        """Make the driver of the robot; it connects when the node is active."""
        limits = task.arm.limits
        self.get_logger().info(  # first of all: a copy of the file may be meant
            f"task file {task.file}: at most {limits.speed:g} m/s, {limits.acceleration:g} m/s2"
        )
        cell = find_cell(self.text("cell_file"))
        check_actions(task)
        self._driver = self._make_driver(task, cell)
        bounds = task_bounds(task, cell)
        self._real = RealArm(
            self._driver, task.workspace, task.arm, bounds, self.number("rate"),
            cancelled=lambda: self.goal_cancelled() or self.stopping.is_set(),
        )  # fmt: skip
        return self._real

    def _make_driver(self, task: Task, cell: Cell) -> Driver:
        backend = self.text("backend")
        if backend == "fci":
            robot = cell.robot
            if robot.address == REHEARSAL:
                robot = replace(robot, address=rehearsal_address(self.get_namespace()))
            return FciDriver(robot, task.arm)
        if backend == "ros2_control":
            return Ros2ControlDriver(self, cell.controllers, task.workspace.frame)
        middle = task.workspace.xyzr(np.zeros(len(task.workspace.axes)))
        return StandInDriver(task.workspace, middle)

    @property
    def environment(self) -> str:
        """Name and version of the environment, for `describe`."""
        return f"arm 0.1.0 ({self.text('backend')})"

    def configure(self) -> None:
        """Make the backend, the publishers and the servers."""
        super().configure()
        self._description = ""
        if self.text("backend") != "ros2_control":  # there, the robot's driver publishes one
            self._description = find_cell(self.text("cell_file")).description()
        if self._description:
            self._described = self.publisher(topics.ROBOT_DESCRIPTION)
        self._wrench = self.publisher(topics.WRENCH) if self.text("backend") == "fci" else None
        self.serve(HOLD, self._hold)
        self.serve(ARMED, self._arm)
        self._in_action = False
        self._observed_by = self.peers.subscriber_of(topics.MOTION, "stacker", required=False)
        limits = health.Limits
        self._rate = self.health.rate("state")
        self._control = self.health.gauge("control rate", "Hz", limits(warn_below=500.0))
        self._success = self.health.gauge("command success", "", limits(warn_below=0.9))
        self._torque = self.health.gauge("torque, share of its limit", "", limits(warn_above=0.8))
        self._force = self.health.gauge(
            "external force", "N", limits(warn_above=self.task.arm.contact.stop_force)
        )
        most = self.number("max_pose_age")
        self._pose_age = self.health.gauge(
            "age of the controllers' poses", "s", limits(warn_below=-most, warn_above=most)
        )
        self._late = self.health.counter("late commands")
        self._mode = ""
        if self.text("backend") != "fci":
            self._control.limits = limits()

    def activate(self) -> None:
        """Begin to connect to the robot."""
        self._real.release()
        super().activate()
        if self._description:
            self._described.publish(String(data=self._description))

    def parameters_changed(self, names: set[str]) -> None:
        """Note that a person has armed or disarmed the arm."""
        if "armed" in names:
            if self.flag("armed"):
                self._real.release()
            self.get_logger().warning("armed" if self.flag("armed") else _NOT_ARMED)

    # The motion thread.

    def begin_motion_thread(self) -> None:
        """Nothing moves: the arm is read only."""
        self.steps.end_episode()

    def end_motion_thread(self) -> None:
        """Let go of the robot, which stops."""
        self._driver.close()

    def idle(self) -> None:
        """Keep the robot's state fresh, and try to connect to a robot that is not connected."""
        if not self.run_job(_STATE_PERIOD):
            was = self._driver.connected
            self._real.idle()
            if self._driver.connected:
                if not was:
                    self.get_logger().info(f"connected to the robot ({self.text('backend')})")
                    self.arm.stop()
                self.publish_state()
        self._report()

    def while_moving(self) -> None:
        """Publish the state while the arm moves."""
        self.publish_state()
        self._report()

    def blocked(self) -> str:
        """Return why nothing may move at present; empty: it may."""
        if not self.flag("armed"):
            return self._real.stopped or _NOT_ARMED
        return self._unwatched() if self._in_action else ""

    def fault_ending(self) -> str:
        """Return what ends the present fault; empty: its text says so."""
        if self._real.stopped:
            return ""
        if not self._driver.connected:
            return f"retrying every {RECONNECT_EVERY:g} s"
        return super().fault_ending()

    def publish_state(self) -> None:
        """Publish current pose, target pose and joints, and the wrench that FCI reports."""
        super().publish_state()
        wrench = self._driver.readings().wrench
        if self._wrench is not None and wrench is not None:
            stamp = nanoseconds_to_time(self.backend.time)
            self._wrench.publish(stamped_wrench(wrench, stamp, self.frame))

    def publish_last_state(self) -> None:
        """Publish poses and joints; over topics, the robot's joints are published already."""
        if self.text("backend") != "ros2_control":
            super().publish_last_state()
            return
        for publisher, message in zip((self._current, self._target), self.state, strict=False):
            publisher.publish(message)

    def _act(self, command: Command) -> None:
        began, self._in_action = time.perf_counter(), True
        try:
            status, reason = self.steps.take(command)
        finally:
            self._in_action = False
        self.note_status(status, reason, time.perf_counter() - began)
        if status.executed:
            if self.backend.fault:
                self.steps.end_episode()
        else:
            self.steps.fail_refused_step()

    def _unwatched(self) -> str:
        """Return why no action is executed: no stacker receives its motions."""
        seconds = self.number("watchdog")
        if seconds <= 0.0 or not self._observed_by.missing:
            return ""
        waited = self._observed_by.waited()
        return f"no stacker receives motions for {waited:.1f} s" if waited >= seconds else ""

    def _report(self) -> None:
        readings = self._driver.readings()
        self._rate.add()
        for gauge, value in (
            (self._control, readings.rate), (self._success, readings.success),
            (self._torque, readings.torque), (self._force, readings.force),
            (self._pose_age, readings.age),
        ):  # fmt: skip
            gauge.set(value)
        self._late.add(self._real.late_commands - self._late.total)
        if readings.mode != self._mode:
            self._mode = readings.mode
            self.get_logger().info(f"the robot's mode is {readings.mode}")
        self._report_fault()

    # The callbacks' thread.

    def _hold(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Stop at once; the arm moves no more until it is armed again."""
        self._real.stop("held by a person; arm it to continue (service armed)")
        self._set_armed(False)
        response.success, response.message = True, "the arm holds still"
        self.get_logger().warning("hold: the arm holds still until it is armed again")
        return response

    def _arm(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Allow motions, or allow them no more."""
        response.message = self._set_armed(bool(request.data))
        response.success = not response.message
        response.message = response.message or ("armed" if request.data else "not armed")
        return response

    def _set_armed(self, armed: bool) -> str:
        """Set the parameter; return why that is refused."""
        (result,) = self.set_parameters([Parameter("armed", value=armed)])
        return "" if result.successful else str(result.reason)


def main() -> None:
    """Entry point."""
    run_node(RealArmNode)


if __name__ == "__main__":
    main()
