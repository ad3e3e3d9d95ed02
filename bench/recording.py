"""What recording and watching cost a cell that runs as fast as it can, as ratios within one run.

One cell runs all the time. Beside it, in turns, runs nothing, a recorder of each profile, an idle
monitor, and a monitor with ten viewers. Speeds are medians of the turns, so that a machine that is
busy with something else for a while slows all sides.

    python bench/recording.py [--turns N] [--seconds S]
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
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import rclpy
from ament_index_python.packages import get_package_prefix
from rclpy.executors import SingleThreadedExecutor
from websockets.sync.client import connect

from mentor_bringup.domain import claim_domain
from mentor_common.bags.reader import Bag
from mentor_common.bags.steps import step_of
from mentor_common.messages import topics

SETTLE = 6.0
"""Seconds that a process gets to start before it is measured."""
VIEWERS = 10


class Counter:
    """Counts the steps of a cell as its rewards come in."""

    def __init__(self) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node("bench_recording", context=self._context)
        self.steps = 0
        topic = topics.REWARD
        self._node.create_subscription(topic.type, topic.name, self._count, topic.qos, raw=True)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def _count(self, _: bytes) -> None:
        self.steps += 1

    def rate(self, seconds: float) -> float:
        """Return steps a second over so many seconds."""
        before, begin = self.steps, time.monotonic()
        time.sleep(seconds)
        return (self.steps - before) / (time.monotonic() - begin)

    def close(self) -> None:
        """Stop."""
        self._executor.shutdown()
        self._thread.join()
        self._context.try_shutdown()


class Side:
    """A process beside the cell.

    Args:
        executable: node of mentor_recorder; empty: nothing runs.
        parameters: parameters of the node.
        viewers: viewers that watch its page.
    """

    def __init__(self, executable: str, viewers: int = 0, **parameters: Any) -> None:
        self.executable, self.viewers, self.parameters = executable, viewers, parameters
        self.rates: list[float] = []
        self.cores: list[float] = []
        self.bags: list[Path] = []

    def run(self, counter: Counter, folder: Path, seconds: float) -> None:
        """Measure one turn."""
        if not self.executable:
            self.rates.append(counter.rate(seconds))
            return
        program = Path(
            get_package_prefix("mentor_recorder"), "lib/mentor_recorder", self.executable
        )
        command = [str(program), "--ros-args"]
        for name, value in self.parameters.items():
            command += ["-p", f"{name}:={value}"]
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
            time.sleep(SETTLE)
            log.seek(0)
            text = log.read()
        stop = threading.Event()
        found = re.search(r"http://(\S+?)/", text)
        watching = [
            threading.Thread(target=watch, args=(found[1], stop))
            for _ in range(self.viewers if found else 0)
        ]
        for thread in watching:
            thread.start()
        begin = processor_seconds(process.pid)
        self.rates.append(counter.rate(seconds))
        self.cores.append((processor_seconds(process.pid) - begin) / seconds)
        stop.set()
        for thread in watching:
            thread.join()
        process.send_signal(signal.SIGINT)
        process.wait(60)
        self.bags += [path.parent for path in folder.glob("bags/*/*_0.mcap")]


def watch(address: str, stop: threading.Event) -> None:
    """Take in everything that the page would."""
    with connect(f"ws://{address}/", subprotocols=["foxglove.sdk.v1"], max_size=None) as socket:
        while not stop.is_set():
            try:
                data = socket.recv(0.5)
            except TimeoutError:
                continue
            content = json.loads(data) if isinstance(data, str) else {}
            numbers = [c["id"] for c in content.get("channels", []) if c["encoding"] == "json"]
            if numbers:
                wanted = [{"id": number, "channelId": number} for number in numbers]
                socket.send(json.dumps({"op": "subscribe", "subscriptions": wanted}))


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(name: str, value: float, unit: str, ratio: float, against: str) -> None:
    """Print one line of the benchmark's output."""
    line = {"name": name, "value": round(value, 3), "unit": unit, "ratio": round(ratio, 3)}
    print(json.dumps({**line, "against": against}), flush=True)


def main() -> None:
    """Run the cell, and measure each side in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    claim = claim_domain()
    os.environ["ROS_DOMAIN_ID"] = str(claim.number)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    sides = {
        "nothing": Side(""),
        "experience": Side("recorder_node", profile="experience"),
        "full": Side("recorder_node", profile="full"),
        "monitor": Side("monitor_node", port=0, task="cable_routing"),
        "ten viewers": Side("monitor_node", viewers=VIEWERS, port=0, task="cable_routing"),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        launch = [sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup"]
        launch += ["cable_routing.launch.py", "agent:=random"]
        with (folder / "cell.txt").open("w") as log:
            cell = subprocess.Popen(launch, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        counter = Counter()
        try:
            until = time.monotonic() + 120.0
            while counter.steps < 10:
                if cell.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"the cell does not run:\n{(folder / 'cell.txt').read_text()}")
                time.sleep(0.5)
            for _ in range(options.turns):
                for side in sides.values():
                    side.run(counter, folder, options.seconds)
            print_results(sides)
        finally:
            cell.send_signal(signal.SIGINT)
            cell.wait(60)
            counter.close()
            claim.release()


def print_results(sides: dict[str, Side]) -> None:
    """Print the speeds against the cell that nobody records."""
    plain = statistics.median(sides["nothing"].rates)
    for name, side in sides.items():
        rate = statistics.median(side.rates)
        report(f"recording/{name}", rate, "steps/s", rate / plain, "the cell alone")
        if side.cores:
            cores = statistics.median(side.cores)
            report(f"recording/{name}/processor", cores, "cores", cores, "one core")
    bags = {bag for side in sides.values() for bag in side.bags}
    lost = sum(len(check_numbers(Bag(bag))) for bag in bags)
    report("recording/gaps", lost, "steps", lost, "the steps of the bags")


def check_numbers(bag: Bag) -> list[int]:
    """Return the steps that are missing between the first and the last one of each episode."""
    names = [name for name in bag.topics if name.endswith("/reward")]
    steps: dict[int, list[int]] = {}
    for message in bag.messages(names):
        key = step_of(message.data, message.type)
        steps.setdefault(key.episode, []).append(key.step)
    return [
        step
        for found in steps.values()
        for step in set(range(min(found), max(found) + 1)) - set(found)
    ]


if __name__ == "__main__":
    main()
