"""Node: shows the cell to any number of viewers in their browsers, and in Foxglove."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from std_srvs.srv import Trigger

from mentor_common.messages import topics
from mentor_common.messages.image_reader import ImageReader
from mentor_common.messages.images import ImageError
from mentor_common.messages.qos import best_effort, reliable
from mentor_common.messages.topics import Topic
from mentor_common.node import health
from mentor_common.node.camera_images import compressed_images
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import TASK, Param
from mentor_common.tasks.task import Task, TaskError, find_task
from mentor_recorder.monitor.access import Access
from mentor_recorder.monitor.bag_view import BagShelf
from mentor_recorder.monitor.cell_view import CellView
from mentor_recorder.monitor.pictures import SCHEMA, SCHEMA_NAME, compressed
from mentor_recorder.monitor.pictures import observation_sheet as sheet
from mentor_recorder.monitor.routes import Routes
from mentor_recorder.monitor.server import MonitorServer
from mentor_recorder.monitor.task_view import task_view, window_view
from mentor_recorder.nodes.background import run_node
from mentor_recorder.nodes.batches import Batches
from mentor_recorder.nodes.forwarder import Forwarder
from mentor_recorder.nodes.view_subscriptions import ViewSubscriptions

SERVICES = {
    "pause": "policy/pause",
    "resume": "policy/resume",
    "stop_after_episode": "policy/stop_after_episode",
    "evaluate_now": "policy/evaluate_now",
    "keep": "recorder/keep",
}
"""What the page's buttons call. None of them moves the arm; no other service can be called."""
ANSWER = 10.0
"""Seconds of wall time that a service has to answer."""
ANYTHING = {"type": "object"}
IDLE = 1.0
"""Seconds of wall time between two batches of messages while nobody watches."""
NICE = 5
"""How far the node gives way to the cell's other processes on a busy machine."""


class MonitorNode(CellNode):
    """Serves a page on one port, and Foxglove's protocol on the same.

    Small messages are always gathered, in batches, so that a new viewer sees the curves so far;
    pictures and raw topics are subscribed to only while somebody watches them.
    """

    NAME = "monitor"
    STEPS_NEED_IT: ClassVar = False
    PARAMETERS: ClassVar = (
        Param("host", "str", "127.0.0.1",
              "address to bind to; any but loopback asks viewers for a token", read_only=True),
        Param("port", "int", 8765, "0: a free one, which is printed", low=0, high=65535,
              read_only=True),
        Param("token", "str", "", "that viewers must give; empty: none on loopback, else a random "
              "one, which is printed", read_only=True),
        Param("bags", "str", "bags", "folder whose bags may be opened", read_only=True),
        TASK,
        Param("state_rate", "float", 5.0, "reports of the cell's state a second, and observations",
              low=0.1, high=50.0, read_only=True),
        Param("picture_rate", "float", 2.0, "pictures of a full-size camera a second at most",
              low=0.1, high=60.0),
    )  # fmt: skip

    def configure(self) -> None:
        """Make the subscriptions; refuse a task that cannot be read."""
        self._view = CellView()
        self._task = self._find_task()
        self._task_view = task_view(self._task)  # once: it looks for the reward's plug-in
        self._images = ImageReader()
        self._cameras = [camera.name for camera in self._task.cameras] if self._task else []
        self._watched: set[int] = set()
        self._numbers: dict[str, int] = {}
        self._sent: dict[str, float] = {}
        self._messages = ViewSubscriptions(self, view := self._view)
        self._messages.add(topics.GROUND_TRUTH, view.on_ground_truth)
        self._messages.add(
            topics.DIAGNOSTICS, lambda message: view.on_diagnostics(message, time.monotonic())
        )
        self._messages.add(topics.ROBOT_DESCRIPTION, self._on_description)
        self._watched_messages = Batches(self)
        self._ticks = 0
        self._buttons = {
            name: self.create_client(Trigger, service) for name, service in SERVICES.items()
        }
        self._viewers = self.health.gauge("viewers")

    def activate(self) -> None:
        """Open the port and announce what there is."""
        os.nice(NICE) if os.nice(0) < NICE else None
        access = Access(self.text("host"), self.text("token"))
        shelf = BagShelf(Path(self.text("bags")))
        self._server = server = MonitorServer(
            self.text("host"), self.integer("port"), access, Routes(shelf, live=True).get,
            self._on_watched, self._call,
        )  # fmt: skip
        for name in ("state", "history", "robot"):
            self._add_channel(name, "mentor.View", json.dumps(ANYTHING))
        for name in ("observation", *(f"camera/{camera}" for camera in self._cameras)):
            self._add_channel(name, SCHEMA_NAME, SCHEMA)
        for name in SERVICES:
            server.add_service(name)
        self._forwarder = Forwarder(self, server)
        self.timer(1.0 / self.number("state_rate"), self._tick, wall=True)
        self.timer(1.0, self._poll, wall=True)
        query = f"?token={access.token}" if access.token else ""
        shown = "127.0.0.1" if self.text("host") in ("0.0.0.0", "::") else self.text("host")
        self.get_logger().info(f"watch the cell: http://{shown}:{server.port}/{query}")

    def deactivate(self) -> None:
        """Close the port."""
        self._watched_messages.clear()
        for name in self._numbers:
            self._report_picture(name, "")
        server = self.__dict__.pop("_server", None)
        if server is not None:
            server.close()

    def _find_task(self) -> Task | None:
        try:
            return find_task(self.text("task"))
        except (TaskError, OSError):
            return None

    def _add_channel(self, name: str, schema_name: str, schema: str) -> None:
        self._numbers[name] = self._server.add_channel(
            f"/monitor/{name}", "json", schema_name, schema, "jsonschema"
        )

    # What is sent.

    def _tick(self) -> None:
        """Take what has arrived, and send what is watched; seldom while nobody watches."""
        self._ticks += 1
        if not self._watched and self._ticks % max(1, int(self.number("state_rate") * IDLE)):
            return
        self._messages.take()
        self._publish_state()
        self._publish_pictures()

    def _publish_state(self) -> None:
        if self._numbers["state"] in self._watched:
            if (joints := self._newest("state")) is not None:
                self._view.on_joint_states(joints)
            state = self._view.state(time.monotonic())
            state["task"] = self._task_view
            offset = self._view.arm.get("window_offset", ())
            state["arm"] = {**state["arm"], "window": window_view(self._task, offset)}
            self._publish("state", json.dumps(state).encode())
        if self._view.history_changed:
            history = json.dumps(self._view.history()).encode()
            self._publish("history", history, latched=True)

    def _publish_pictures(self) -> None:
        """Send the newest observation and images; those between are never decoded."""
        if (message := self._newest("observation")) is not None:
            where = f"episode {message.episode} step {message.step}"
            self._publish_picture("observation", sheet, message, where)
        now = time.monotonic()
        for camera in self._cameras:
            name = f"camera/{camera}"
            due = self._sent.get(camera, -math.inf) + 1.0 / self.number("picture_rate") <= now
            if due and (message := self._newest(name)) is not None:
                self._sent[camera] = now
                self._publish_picture(name, self._images.rgb, message, camera)

    def _publish_picture(
        self, name: str, pixels: Callable[[Any], Any], message: Any, frame_id: str
    ) -> None:
        """Send the picture of a message, or report why it has none."""
        try:
            picture = compressed(pixels(message), message.header.stamp, frame_id)
        except ImageError as error:
            self._report_picture(name, str(error))
            return
        self._report_picture(name, "")
        self._publish(name, picture)

    def _report_picture(self, name: str, reason: str) -> None:
        """Report why a channel has no picture; empty: it has one, or needs none."""
        key = f"picture of {name}"
        if reason:
            self.health.problem(key, health.WARN, f"no {key}: {reason}")
        else:
            self.health.solved(key)

    def _newest(self, name: str) -> Any:
        """Return the newest message for a channel; None: none is new, or nobody watches."""
        return self._watched_messages.take_newest(name) if name in self._watched_messages else None

    def _publish(self, name: str, payload: bytes, *, latched: bool = False) -> None:
        self._server.publish(self._numbers[name], payload, latched=latched)

    def _on_description(self, message: Any) -> None:
        self._publish("robot", json.dumps({"urdf": message.data}).encode(), latched=True)

    # What is watched.

    def _on_watched(self, numbers: set[int]) -> None:
        """Note it, on the server's thread."""
        self.call_soon(lambda: self._watch(numbers))

    def _watch(self, numbers: set[int]) -> None:
        if not self.active:
            return
        self._watched = numbers
        self._subscribe("observation", replace(topics.OBSERVATION, qos=reliable(1)))
        self._subscribe_cameras()
        joints = replace(topics.JOINT_STATES, qos=best_effort(1))  # matches any publisher
        self._subscribe("state", joints)
        self._forwarder.watch(numbers)

    def _subscribe_cameras(self) -> None:
        """Subscribe to the watched cameras, raw or compressed, whichever is published."""
        for camera in self._cameras:
            name, raw = f"camera/{camera}", topics.camera_image(camera)
            offered = [raw]
            if self._numbers[name] in self._watched and name not in self._watched_messages:
                offered = [t for t in (raw, compressed_images(raw)) if self._is_published(t)]
                nobody = f"nobody publishes {raw.name}, raw or compressed"
                self._report_picture(name, "" if offered else nobody)
            if offered:
                self._subscribe(name, replace(offered[0], qos=best_effort(1)))

    def _is_published(self, topic: Topic) -> bool:
        return bool(self.count_publishers(self.resolve_topic_name(topic.name)))

    def _subscribe(self, name: str, topic: Topic) -> None:
        """Subscribe while the channel is watched, to what is new from now on."""
        watched, messages = self._numbers[name] in self._watched, self._watched_messages
        if watched and name not in messages:
            messages.add(name, topic.type, topic.name, topic.qos)
        elif not watched:
            self._report_picture(name, "")
            if name in messages:
                messages.remove(name)

    def _poll(self) -> None:
        self._viewers.set(self._server.viewers)
        if self._server.viewers:
            self._forwarder.poll()
            self._subscribe_cameras()

    # What the buttons call.

    def _call(self, name: str) -> tuple[bool, str]:
        """Call a service of ``SERVICES``, on a thread of the server's."""
        client = self._buttons[name]
        if not client.service_is_ready():
            return False, f"nobody serves {client.srv_name}: is that node running?"
        answered = threading.Event()
        futures: list[Any] = []

        def send() -> None:
            futures.append(client.call_async(Trigger.Request()))
            futures[0].add_done_callback(lambda _: answered.set())

        self.call_soon(send)
        if not answered.wait(ANSWER):
            return False, f"{client.srv_name} has not answered in {ANSWER:g} s"
        answer = futures[0].result()
        self.get_logger().info(f"{name}, asked for on the page: {answer.message or 'done'}")
        return bool(answer.success), str(answer.message)


def main() -> None:
    """Run the node; the entry point."""
    run_node(MonitorNode)


if __name__ == "__main__":
    main()
