"""How fast the rehearsed real cell steps, and how well its control and its cameras keep time.

    python bench/rehearsal.py --task tabletop_golf --robot fci --steps 300

Starts the launch file with a random agent in a ROS domain of its own and listens. One JSON object:
steps/s, control rate, age of frames, distance of the stacked frames from the times they stand for,
share of late motions (more than a tenth of the period too long), and the processor time of the
camera nodes and the stacker.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor

from mentor_bringup.domain import claim_domain
from mentor_common.messages import topics
from mentor_common.messages.experience import time_to_nanoseconds
from mentor_common.tasks.task import find_task
from mentor_msgs.msg import Motion, Observation, Reward

LATE = 1.1  # of the period
READINGS = ("control rate [Hz]", "age of frames [ms]", "command success", "control loop [Hz]")
FRAMES = "frames [Hz]"  # of each camera node
CAMERA_PROGRAMS = ("realsense_camera", "stacker_node")
START, SLOWEST = 180.0, 5.0  # seconds until the first step, and for each step, at most


class Listener:
    """Motions, observations and diagnostics of the cell."""

    def __init__(self) -> None:
        rclpy.init()
        self.node = rclpy.create_node("bench")
        self.motions: dict[tuple[int, int], Motion] = {}
        self.offsets: list[float] = []
        self.readings: dict[str, list[float]] = {name: [] for name in (*READINGS, FRAMES)}
        self.reasons: Counter[str] = Counter()
        self.node.create_subscription(
            Motion, topics.MOTION.name, self._on_motion, topics.EXPERIENCE_QOS
        )
        self.node.create_subscription(
            Observation, topics.OBSERVATION.name, self._on_observation, topics.EXPERIENCE_QOS
        )
        self.node.create_subscription(
            DiagnosticArray, "/diagnostics", self._on_diagnostics, topics.DIAGNOSTICS.qos
        )
        self.node.create_subscription(
            Reward, topics.REWARD.name, self._on_reward, topics.EXPERIENCE_QOS
        )
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)

    def spin(self, seconds: float) -> None:
        """Receive for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._executor.spin_once(timeout_sec=0.05)

    def wait_for(
        self, condition: Callable[[], bool], seconds: float, launch: subprocess.Popen[bytes]
    ) -> None:
        """Receive until a condition holds. Raises: SystemExit, if the launch or its time ends."""
        until = time.monotonic() + seconds
        while not condition():
            if launch.poll() is not None:
                raise SystemExit(f"the launch has ended with status {launch.returncode}")
            if time.monotonic() > until:
                raise SystemExit(f"{len(self.motions)} motions in {seconds:g} s: the cell is stuck")
            self.spin(0.5)

    def _on_motion(self, message: Motion) -> None:
        self.motions[message.episode, message.step] = message

    def _on_observation(self, message: Observation) -> None:
        motion = self.motions.get((message.episode, message.step))
        if motion is None or message.step == 0:
            return
        begin, end = time_to_nanoseconds(motion.begin), time_to_nanoseconds(motion.end)
        wanted = (begin, (begin + end) // 2, end)
        for index, stamp in enumerate(message.stamps):
            self.offsets.append(abs(time_to_nanoseconds(stamp) - wanted[index % 3]) / 1e6)

    def _on_reward(self, message: Reward) -> None:
        if not message.valid:
            self.reasons[re.sub(r"[0-9.]+", "n", message.reason)] += 1

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            camera = "camera_" in status.name
            for pair in status.values:
                known = pair.key in READINGS or (pair.key == FRAMES and camera)
                if known and pair.value != "nan":
                    self.readings[pair.key].append(float(pair.value))


def processor_seconds(launch: int) -> float:
    """Return the processor time so far of the launch's camera nodes and its stacker."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        own = f"ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}\0" in environment
        if own and any(program in words for program in CAMERA_PROGRAMS):
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def summary(listener: Listener, seconds: float, processor: float, period: float) -> dict[str, Any]:
    """Return the figures.

    Args:
        listener: what it has received.
        seconds: seconds that it took.
        processor: cores that cameras and stacker took.
        period: period of a step, seconds.
    """
    steps = [motion for (_, step), motion in listener.motions.items() if step > 0]
    lengths = [
        (time_to_nanoseconds(m.end) - time_to_nanoseconds(m.begin)) / 1e9
        for m in steps
        if not m.failed
    ]
    return {
        "steps": len(steps),
        "steps_per_second": round(len(steps) / seconds, 3),
        "failed": sum(motion.failed for motion in steps),
        "steps_not_learned_from": dict(listener.reasons),
        "late_share": round(sum(x > LATE * period for x in lengths) / max(1, len(lengths)), 4),
        "motion_seconds_median": round(statistics.median(lengths), 4) if lengths else None,
        **{
            name: round(statistics.median(values), 2)
            for name, values in listener.readings.items()
            if values
        },
        "frame_offset_ms_median": round(statistics.median(listener.offsets), 2),
        "frame_offset_ms_worst": round(max(listener.offsets), 2),
        "cameras_and_stacker_cores": round(processor, 3),
    }


def main() -> None:
    """Run the launch and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="cable_routing")
    parser.add_argument("--robot", choices=["fci", "ros2_control"], default="fci")
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    claim = claim_domain()
    os.environ["ROS_DOMAIN_ID"] = str(claim.number)
    listener = Listener()
    command = [
        sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup",
        f"{arguments.task}.launch.py", f"robot:={arguments.robot}", "rehearsal:=true",
        "agent:=random",
        f"run_dir:=runs/bench_rehearsal_{os.getpid()}",
    ]  # fmt: skip
    with open(os.devnull, "wb") as quiet:
        launch = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    try:
        listener.wait_for(lambda: any(step > 0 for _, step in listener.motions), START, launch)
        listener.motions.clear()
        listener.reasons.clear()
        began, used = time.monotonic(), processor_seconds(launch.pid)
        most = arguments.steps * SLOWEST + START  # a fault is waited for, too
        done = lambda: sum(step > 0 for _, step in listener.motions) >= arguments.steps  # noqa: E731
        listener.wait_for(done, most, launch)
        seconds = time.monotonic() - began
        processor = (processor_seconds(launch.pid) - used) / seconds
    finally:
        launch.send_signal(signal.SIGINT)
        launch.wait(60)
        claim.release()
    period = find_task(arguments.task).episode.period
    figures = {"robot": arguments.robot, **summary(listener, seconds, processor, period)}
    figures["load_average"] = round(os.getloadavg()[0], 1)
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
