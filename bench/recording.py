"""What recording and watching cost a cell that runs as fast as it can, as ratios within one run.

One cell runs all the time. Beside it, in turns, run a recorder of each profile, an idle monitor,
and a monitor with ten viewers. Each turn lies between two of the cell alone and is compared to
these; what is reported is the median of the turns. Beside the steps per second stands the
processor time per step of the cell and whatever runs beside it: on a machine that does other things
too, the one depends on who gets a core, the other hardly.

    python bench/recording.py [--turns N] [--seconds S] [--sides NAME ...]
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
from dataclasses import dataclass
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

SETTLE = 2.0
"""Seconds between the start of what runs beside the cell and its measurement."""
START = 60.0
"""Seconds that it gets to start."""
READY = re.compile(r"watch the cell: http://(\S+?)/|records .*")
VIEWERS = 10
SIDES = {
    "experience": lambda: Side("recorder_node", profile="experience"),
    "full": lambda: Side("recorder_node", profile="full"),
    "monitor": lambda: Side("monitor_node", port=0, task="cable_routing"),
    "ten viewers": lambda: Side("monitor_node", viewers=VIEWERS, port=0, task="cable_routing"),
}


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

    def close(self) -> None:
        """Stop."""
        self._executor.shutdown()
        self._thread.join()
        self._context.try_shutdown()


@dataclass(frozen=True)
class Turn:
    """What was measured in one turn."""

    rate: float
    """Steps per second."""
    work: float
    """Processor seconds of the cell, and of what runs beside it, per step."""
    beside: float
    """Processor seconds per second of what runs beside it."""


class Cell:
    """The cell that runs all the time, and the measurement of a turn."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.counter = Counter()

    def turn(self, seconds: float, beside: int = 0) -> Turn:
        """Measure for so many seconds; ``beside``: process that runs beside the cell."""

        def used() -> float:
            return processor_seconds(beside) if beside else 0.0

        steps, begin = self.counter.steps, time.monotonic()
        cell, other = self._used(), used()
        time.sleep(seconds)
        steps = max(1, self.counter.steps - steps)
        seconds = time.monotonic() - begin
        cell, other = self._used() - cell, used() - other
        return Turn(steps / seconds, (cell + other) / steps, other / seconds)

    def _used(self) -> float:
        """Return the processor time of the launch and of all that it has started."""
        children: dict[int, list[int]] = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(path.name))
        found = [self._pid]
        for pid in found:
            found += children.get(pid, [])
        return sum(processor_seconds(pid) for pid in found)


class Side:
    """A process beside the cell.

    Args:
        executable: node of mentor_recorder.
        parameters: parameters of the node.
        viewers: viewers that watch its page.
    """

    def __init__(self, executable: str, viewers: int = 0, **parameters: Any) -> None:
        self.executable, self.viewers, self.parameters = executable, viewers, parameters
        self.turns: list[Turn] = []
        self.alone: list[list[Turn]] = []
        """The turns of the cell alone before and after each turn."""

    def run(self, cell: Cell, folder: Path, seconds: float) -> Turn:
        """Measure one turn."""
        program = Path(
            get_package_prefix("mentor_recorder"), "lib/mentor_recorder", self.executable
        )
        command = [str(program), "--ros-args"]
        for name, value in self.parameters.items():
            command += ["-p", f"{name}:={value}"]
        log = folder / "side.txt"
        with log.open("w") as stream:
            process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, cwd=folder)
        try:
            return self._measure(cell, process, self._wait_until_ready(process, log), seconds)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)

    def _measure(
        self, cell: Cell, process: subprocess.Popen[bytes], address: str, seconds: float
    ) -> Turn:
        """Measure the cell and a process beside it, with viewers of the page at an address."""
        stop = threading.Event()
        watching = [
            threading.Thread(target=watch, args=(address, stop)) for _ in range(self.viewers)
        ]
        for thread in watching:
            thread.start()
        try:
            time.sleep(SETTLE)
            return cell.turn(seconds, process.pid)
        finally:
            stop.set()
            for thread in watching:
                thread.join()

    def _wait_until_ready(self, process: subprocess.Popen[bytes], log: Path) -> str:
        """Wait until a node is active; return the address that a monitor has printed."""
        until = time.monotonic() + START
        while not (found := READY.search(log.read_text())):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{self.executable} does not start:\n{log.read_text()}")
            time.sleep(0.1)
        return found[1] or ""


def watch(address: str, stop: threading.Event) -> None:
    """Take in everything that the page would, after all other work: a viewer's own is done by
    another machine."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
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
    parser.add_argument("--sides", nargs="+", choices=list(SIDES), default=list(SIDES))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cell ends with it
    claim = claim_domain()
    os.environ["ROS_DOMAIN_ID"] = str(claim.number)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    sides = {name: SIDES[name]() for name in options.sides}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        launch = [sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup"]
        launch += ["cable_routing.launch.py", "agent:=random"]
        with (folder / "cell.txt").open("w") as log:
            process = subprocess.Popen(launch, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        cell = Cell(process.pid)
        try:
            until = time.monotonic() + 120.0
            while cell.counter.steps < 10:
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"the cell does not run:\n{(folder / 'cell.txt').read_text()}")
                time.sleep(0.5)
            measure(sides, cell, folder, options)
            print_results(sides, folder)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
            cell.counter.close()
            claim.release()


def measure(sides: dict[str, Side], cell: Cell, folder: Path, options: argparse.Namespace) -> None:
    """Take all turns, each between two of the cell alone."""
    before = cell.turn(options.seconds)
    for _ in range(options.turns):
        for name, side in sides.items():
            side.turns.append(side.run(cell, folder, options.seconds))
            after = cell.turn(options.seconds)
            print(f"{name}: {side.turns[-1]}, alone {before}, {after}", file=sys.stderr)
            side.alone.append([before, after])
            before = after


def print_results(sides: dict[str, Side], folder: Path) -> None:
    """Print each side against the cell that nobody records or watches."""
    median, mean = statistics.median, statistics.mean
    for name, side in sides.items():
        pairs = list(zip(side.turns, side.alone, strict=True))
        rates = [turn.rate / mean(one.rate for one in alone) for turn, alone in pairs]
        work = [turn.work / mean(one.work for one in alone) for turn, alone in pairs]
        rate, spent = (median(getattr(turn, n) for turn in side.turns) for n in ("rate", "work"))
        report(f"recording/{name}", rate, "steps/s", median(rates), "the cell alone")
        report(f"recording/{name}/work", 1e3 * spent, "ms per step", median(work), "the cell alone")
        cores = median(turn.beside for turn in side.turns)
        report(f"recording/{name}/processor", cores, "cores", cores, "one core")
    bags = [Bag(path.parent) for path in folder.glob("bags/*/*_0.mcap")]
    recorded = sum(bag.counts.get("/reward", 0) for bag in bags)
    lost = sum(len(check_numbers(bag)) for bag in bags)
    report("recording/gaps", lost, "steps", lost / max(1, recorded), "the steps of the bags")


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
