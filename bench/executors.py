"""A message to a node and back, with each executor that could serve the node's callbacks.

The node has what every node of a cell has: parameter and lifecycle services, timers, diagnostics.
Its subscription answers each action with an observation of 64 kB. All executors take turns in
blocks, each in a process of its own, so that a busy machine slows them alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from array import array

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "40")

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.experimental import EventsExecutor
from rclpy.serialization import serialize_message

from mentor_common.messages import topics
from mentor_common.messages.cdr import write_action
from mentor_common.node.cell_node import CellNode
from mentor_common.node.direct_reader import DirectReader, NoExecutor, take_messages
from mentor_common.node.guarded_executor import GuardedExecutor

KINDS = ("nodes", "events", "single")
"""As the nodes do (GuardedExecutor, low-latency subscriptions); EventsExecutor; rclpy's own."""
BLOCKS, MESSAGES = 12, 30
GIVEN_UP = 5
"""Messages of a block without an answer after which an executor is not asked any more."""


class Echo(CellNode):
    """Answers each action with an observation."""

    def configure(self) -> None:
        """Make both ends."""
        answer = topics.OBSERVATION.type(data=array("B", bytes(64_000)))
        raw = serialize_message(answer)
        out = self.publisher(topics.OBSERVATION)
        self.subscription(topics.ACTION, lambda _: out.publish(raw), low_latency=True, raw=True)


def serve(kind: str) -> None:
    """Run the node with one executor, until the process is ended."""
    rclpy.init()
    node = Echo("echo", namespace=f"/bench_{kind}")
    node.autostart()
    if kind == "events":
        executor = EventsExecutor()
        executor.add_node(node)
        executor.spin()
    if kind == "single":
        usual = SingleThreadedExecutor()
        usual.add_node(node)
        usual.spin()
    guarded = GuardedExecutor(node.drop_request)
    guarded.add_node(node)
    node._cell_executor_thread = threading.get_ident()
    while True:
        guarded.spin_once()
        node.low_latency.spin(guarded, lambda: False)


class Caller:
    """Sends actions to one of the nodes and waits for its answers."""

    def __init__(self, kind: str) -> None:
        self._node = rclpy.create_node("caller", namespace=f"/bench_{kind}")
        action, answer = topics.ACTION, topics.OBSERVATION
        self._out = self._node.create_publisher(action.type, action.name, action.qos)
        self._back = self._node.create_subscription(
            answer.type, answer.name, print, answer.qos, callback_group=NoExecutor(), raw=True
        )
        self._reader = DirectReader(self._node.context, [self._back])
        self._raw = write_action(np.zeros(4, np.float32), 1, 0, 0)
        until = time.monotonic() + 60.0
        while not (self._out.get_subscription_count() and self._back.get_publisher_count()):
            if time.monotonic() > until:
                raise TimeoutError(f"no node with executor '{kind}' after 60 s")
            time.sleep(0.05)
        time.sleep(2.0)

    def block(self) -> tuple[float, int]:
        """Return the seconds of a block's median message, and how many were never answered."""
        spent, lost = [], 0
        for _ in range(MESSAGES):
            begin = time.perf_counter()
            self._out.publish(self._raw)
            while not list(take_messages(self._back)):
                if time.perf_counter() - begin > 1.0:
                    lost += 1
                    break
                self._reader.wait(0.5)
            spent.append(time.perf_counter() - begin)
            if lost == GIVEN_UP:
                break
        return float(np.median(spent)), lost


def main() -> None:
    """Measure all executors and print a line for each."""
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    children = [subprocess.Popen([sys.executable, __file__, "--serve", kind]) for kind in KINDS]
    try:
        rclpy.init()
        callers = {kind: Caller(kind) for kind in KINDS}
        blocks = {kind: [] for kind in KINDS}
        for _ in range(BLOCKS):
            for kind, caller in callers.items():
                if not blocks[kind] or blocks[kind][-1][1] < GIVEN_UP:
                    blocks[kind].append(caller.block())
    finally:
        for child in children:
            child.kill()
            child.wait()
    rclpy.try_shutdown()
    times = {kind: np.array([seconds for seconds, _ in blocks[kind]]) for kind in KINDS}
    for kind in KINDS:
        line = {
            "name": f"executor/{kind}",
            "value": round(1e3 * float(np.median(times[kind])), 3),
            "unit": "ms there and back",
            "ratio": round(float(np.median(times[kind]) / np.median(times["nodes"])), 3),
            "against": "the nodes' own way",
            "lost": sum(lost for _, lost in blocks[kind]),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
