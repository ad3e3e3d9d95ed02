"""What this project's executor and CDR code save against the client library's own.

``executor/*``: a node with the parameters, services and timers of every node answers a message. The
same node is spun by ``mentor_common.node.running``, by rclpy's SingleThreadedExecutor and by its
experimental EventsExecutor, a process each; they take turns in blocks of round trips.
``cdr/*``: time to write and read the messages of one step, ours against the client library's.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "38")

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from rclpy.executors import SingleThreadedExecutor
from rclpy.experimental import EventsExecutor
from rclpy.serialization import deserialize_message, serialize_message

from mentor_common.messages import topics
from mentor_common.messages.cdr import ObservationWriter, read_observation, write_action
from mentor_common.messages.experience import action_message, observation_message
from mentor_common.messages.frames import FrameLayout
from mentor_common.node.cell_node import CellNode
from mentor_common.node.direct_reader import DirectReader, NoExecutor, take_messages
from mentor_common.node.running import main as run_node
from mentor_msgs.msg import Action, Observation, Reward

SIDES = ("ours", "single_threaded", "events")
BLOCKS, ROUND_TRIPS = 30, 100
PAIRS = 2000
LAYOUT = FrameLayout(("camera",), 3, 84, 84, True)


class Echo(CellNode):
    """Answers each action with a reward."""

    def __init__(self) -> None:
        super().__init__("echo")

    def configure(self) -> None:
        """Make the publisher and the subscription."""
        self._rewards = self.publisher(topics.REWARD)
        self.subscription(topics.ACTION, self._answer, hot=True)

    def _answer(self, message: Action) -> None:
        self._rewards.publish(Reward(episode=message.episode, step=message.step))


def serve(side: str) -> None:
    """Run the node until it is killed, spun by one of SIDES."""
    if side == "ours":
        run_node(Echo)
    rclpy.init()
    node = Echo()
    executor = SingleThreadedExecutor() if side == "single_threaded" else EventsExecutor()
    executor.add_node(node)
    node.autostart()
    executor.spin()


@contextlib.contextmanager
def served() -> Iterator[None]:
    """Run a process for each side, in a namespace of its own."""
    started = [
        subprocess.Popen([sys.executable, __file__, "--serve", side, "--ros-args", "-r",
                          f"__ns:=/{side}"])
        for side in SIDES
    ]  # fmt: skip
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def executors() -> None:
    """Print the median round trip to a node on each executor."""
    rclpy.init()
    node = rclpy.create_node("asker")
    group = NoExecutor()
    with served():
        publishers, readers = {}, {}
        for side in SIDES:
            publishers[side] = node.create_publisher(
                topics.ACTION.type, f"/{side}/{topics.ACTION.name}", topics.ACTION.qos
            )
            subscription = node.create_subscription(
                topics.REWARD.type, f"/{side}/{topics.REWARD.name}", lambda _: None,
                topics.REWARD.qos, callback_group=group,
            )  # fmt: skip
            readers[side] = (DirectReader(node.context, [subscription]), subscription)

        def round_trip(side: str, step: int) -> float:
            begin = time.perf_counter()
            publishers[side].publish(action_message(np.zeros(4), 1, step, Time()))
            reader, subscription = readers[side]
            while time.perf_counter() - begin < 1.0:
                reader.wait(0.2)
                if any(answer.step == step for answer in take_messages(subscription)):
                    return time.perf_counter() - begin
            return float("nan")

        for side in SIDES:  # until it has found us
            while np.isnan(round_trip(side, 0)):
                pass
        spent: dict[str, list[float]] = {side: [] for side in SIDES}
        for block in range(BLOCKS):
            for side in SIDES:
                spent[side] += [
                    round_trip(side, 1 + block * ROUND_TRIPS + i) for i in range(ROUND_TRIPS)
                ]
    node.destroy_node()
    rclpy.shutdown()
    medians = {side: 1e6 * float(np.nanmedian(times)) for side, times in spent.items()}
    for side in SIDES[1:]:
        report(f"executor/ours_vs_{side}", medians["ours"], medians[side])


def microseconds(run: Callable[[], object]) -> float:
    """Return the time of one call, in microseconds."""
    begin = time.perf_counter()
    for _ in range(PAIRS // 20):
        run()
    return 1e6 * (time.perf_counter() - begin) / (PAIRS // 20)


def messages() -> None:
    """Print the time to write and read the messages of a step."""
    pixels = np.random.default_rng(0).integers(0, 256, LAYOUT.shape, np.uint8)
    action = np.zeros(4, np.float32)
    blank = observation_message(pixels, LAYOUT, 1, 1, Time(), task="bench")
    writer, raw = ObservationWriter(blank), serialize_message(blank)
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "action_written": (
            lambda: write_action(action, 1, 1, 0, "", 0, None),
            lambda: serialize_message(action_message(action, 1, 1, Time())),
        ),
        "observation_written": (
            lambda: writer.write(pixels, 1, 1, 0),
            lambda: serialize_message(
                observation_message(pixels, LAYOUT, 1, 1, Time(), task="bench")
            ),
        ),
        "observation_read": (
            lambda: read_observation(raw),
            lambda: deserialize_message(raw, Observation),
        ),
    }
    for name, (ours, theirs) in pairs.items():
        both = [(microseconds(ours), microseconds(theirs)) for _ in range(20)]
        report(f"cdr/{name}", *(statistics.median(side) for side in zip(*both, strict=True)))


def report(name: str, ours: float, theirs: float) -> None:
    """Print one line: our time, and its ratio to the client library's."""
    line = {"name": name, "value": round(ours, 1), "unit": "us", "ratio": round(ours / theirs, 3)}
    print(json.dumps({**line, "against": f"client library: {theirs:.1f} us"}), flush=True)


def main() -> None:
    """Run both parts, or serve one side."""
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    messages()
    executors()


if __name__ == "__main__":
    main()
