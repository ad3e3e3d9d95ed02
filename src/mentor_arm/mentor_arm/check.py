"""Goes through a cell's robot without moving it: what is right, what is wrong, and the way out."""

from __future__ import annotations

import os
import platform
import resource
import socket
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from mentor_arm.backends.fci import JOINT_HIGH, JOINT_LOW, JOINT_MARGIN, FciDriver
from mentor_arm.backends.frames import transform
from mentor_arm.limits import task_bounds
from mentor_common.cell.cell_file import Cell, RobotCell, find_cell
from mentor_common.cell.report import Report
from mentor_common.tasks.task import Task, find_task
from mentor_common.tasks.workspace import AXES

FCI_PORT = 1337
REALTIME_PRIORITY = 99  # which libfranka takes for its control loop
NEEDED_RATE = 950.0  # states per second; below, the robot's communication reflex is near
SLOW_CONNECTION = 0.001  # seconds for a TCP connection on the robot's own network
MEASURED = 2.0  # seconds for which states are counted


def check_robot(cell_file: str, task_name: str, report: Report) -> None:
    """Check files, machine, network and robot, in this order; nothing moves.

    Args:
        cell_file: path; empty: the defaults.
        task_name: name of the task, or the path of its file.
        report: takes the findings.
    """
    read: list[tuple[Cell, Task]] = []

    def files() -> str:
        cell, task = find_cell(cell_file), find_task(task_name)
        bounds = task_bounds(task, cell)
        cell.description()
        read.append((cell, task))
        low, high = np.round(bounds.low[:3], 3).tolist(), np.round(bounds.high[:3], 3).tolist()
        return (
            f"cell '{cell.name}' and task '{task.name}': commands stay within {low} to {high} m, "
            "the task's workspace and window"
        )

    if not report.attempt(files):
        return
    cell, task = read[0]
    unbounded = [axis for axis in AXES[:3] if axis not in cell.bounds]
    report.expect(
        not unbounded,
        "the cell's bounds hold all of that",
        f"cell '{cell.name}' has no bounds along {', '.join(unbounded)}: a mistake in the task "
        "file is not noticed; add them to the cell file, as in cells/example.yaml",
    )
    _check_machine(cell.robot, report)
    if _check_network(cell.robot, report):
        report.attempt(lambda: _check_state(cell, task, report))


def _check_machine(robot: RobotCell, report: Report) -> None:
    for package in ("franky-control", "pyrealsense2"):
        try:
            report.right(f"{package} {version(package)} is installed")
        except PackageNotFoundError:
            report.fail(f"{package} is not installed; make hardware installs it")
    if robot.realtime == "enforce":
        report.expect(
            _realtime_kernel(),
            f"kernel {platform.release()} is a real-time kernel",
            f"kernel {platform.release()} has no PREEMPT_RT: install one, or set robot.realtime to "
            "ignore in the cell file (reflexes on communication become likely)",
        )
        _check_priority(report)
    else:
        report.note("robot.realtime is ignore: fit for a rehearsal, not for long runs on a robot")
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor.exists():
        value = governor.read_text().strip()
        report.expect(
            value == "performance",
            "the processors' governor is performance",
            f"the processors' governor is {value}: cpupower frequency-set -g performance",
        )


def _realtime_kernel() -> bool:
    return Path("/sys/kernel/realtime").exists() or "PREEMPT_RT" in platform.version()


def _check_priority(report: Report) -> None:
    if os.geteuid() == 0:
        report.right("root may take any real-time priority")
        return
    most, _ = resource.getrlimit(resource.RLIMIT_RTPRIO)
    if most == resource.RLIM_INFINITY:
        most = REALTIME_PRIORITY
    report.expect(
        most >= REALTIME_PRIORITY,
        f"this user may take real-time priority {REALTIME_PRIORITY}",
        f"this user may take real-time priority {most}, {REALTIME_PRIORITY} is needed: put "
        f"'rtprio {REALTIME_PRIORITY}' and 'memlock unlimited' for it into "
        "/etc/security/limits.conf",
    )


def _check_network(robot: RobotCell, report: Report) -> bool:
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    if reach == "SUBNET" and not robot.address.startswith("127."):
        report.note(
            "DDS discovery reaches the whole subnet (ROS_AUTOMATIC_DISCOVERY_RANGE): traffic on "
            "the robot's network stops FCI loops; see docs/real_cell.md, Network"
        )

    def connect() -> str:
        began = time.monotonic()
        try:
            socket.create_connection((robot.address, FCI_PORT), 2.0).close()
        except OSError as error:
            raise RuntimeError(
                f"no connection to {robot.address}:{FCI_PORT} ({error}): is the box on, are the "
                "brakes open, is FCI activated in Desk, and this machine on its network?"
            ) from error
        seconds = time.monotonic() - began
        if seconds > SLOW_CONNECTION:
            report.note(
                f"the connection took {seconds * 1e3:.2f} ms; connect this machine to the control "
                "box directly, without a switch or a USB adapter"
            )
        return (
            f"a connection to {robot.address}:{FCI_PORT} opens in {seconds * 1e3:.2f} ms; whether "
            "a control box answers is checked next"
        )

    return report.attempt(connect)


def _check_state(cell: Cell, task: Task, report: Report) -> str:
    # The check above has used the box's one connection briefly.
    asked = cell.robot
    if not _realtime_kernel():  # reported already; to read the state needs none
        asked = replace(asked, realtime="ignore")
    robot = FciDriver(asked, task.arm).dial()
    gaps, last = [], time.monotonic()
    until = last + MEASURED
    while last < until:
        state = robot.state
        now = time.monotonic()
        gaps.append(now - last)
        last = now
    rate, worst = len(gaps) / MEASURED, max(gaps)
    report.expect(
        rate >= NEEDED_RATE,
        f"{rate:.0f} states per second, the longest gap {worst * 1e3:.1f} ms",
        f"{rate:.0f} states per second, the longest gap {worst * 1e3:.1f} ms; {NEEDED_RATE:g} are "
        "needed: see docs/real_cell.md, Real time",
    )
    report.expect(
        not robot.has_errors,
        f"the robot has no errors (mode {state.robot_mode})",
        f"the robot has errors ({state.current_errors}): recover it in Desk",
    )
    angles = np.array(state.q)
    room = np.minimum(angles - JOINT_LOW, JOINT_HIGH - angles)
    joint = int(room.argmin())
    report.expect(
        bool(room.min() > JOINT_MARGIN),
        f"all joints have {room.min():.2f} rad or more to their limits",
        f"joint {joint + 1} is {room.min():.3f} rad from its limit: guide the arm away by hand",
    )
    grasp = np.array(state.O_T_EE.matrix)
    position = (transform(cell.robot.base) @ grasp)[:3, 3]
    outside = [
        f"{axis} {position['xyz'.index(axis)]:.3f}"
        for axis, (low, high) in cell.bounds.items()
        if not low <= position["xyz".index(axis)] <= high
    ]
    report.expect(
        not outside,
        f"the end effector stands at {np.round(position, 3).tolist()} m",
        f"the end effector is outside the cell's bounds ({', '.join(outside)}): guide it in",
    )
    return "the robot was read and not moved"
