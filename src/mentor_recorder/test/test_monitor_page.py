"""The page in a real browser, against a live cell and against a bag."""

from __future__ import annotations

import json
import re
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser
from fake_peer import FakePeer
from mcap_ros2._dynamic import generate_dynamic
from node_process import NodeProcess
from small_bags import episode_messages, write_cell_bag
from std_srvs.srv import Trigger
from websockets.sync.client import connect

from mentor_common.messages import topics
from mentor_common.messages.images import array_to_image
from mentor_msgs.msg import ExpertUsage
from mentor_recorder.monitor.access import Access
from mentor_recorder.monitor.bag_view import BagShelf
from mentor_recorder.monitor.routes import Routes
from mentor_recorder.monitor.server import MonitorServer

NAMESPACE = "/watched"


class Cell:
    """Publishes what a cell does, over and over, and serves what the buttons call."""

    def __init__(self) -> None:
        self.peer = FakePeer("policy", NAMESPACE)
        node = self.peer.node
        self.called: list[str] = []
        for name in ("pause", "resume", "stop_after_episode", "evaluate_now"):
            node.create_service(Trigger, f"policy/{name}", self._answer(name))
        node.create_service(Trigger, "recorder/keep", self._answer("keep"))
        parts = (topics.OBSERVATION, topics.ACTION, topics.MOTION, topics.REWARD)
        self._publishers = {t.name: node.create_publisher(t.type, t.name, t.qos) for t in parts}
        usage, camera = topics.EXPERT_USAGE, topics.camera_image("side")
        self._usage = node.create_publisher(usage.type, usage.name, usage.qos)
        self._images = node.create_publisher(camera.type, camera.name, 10)
        self.peer.begin()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.peer.close()

    def _answer(self, name: str) -> Any:
        def answer(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            self.called.append(name)
            response.success, response.message = True, f"{name} it is"
            return response

        return answer

    def _live(self) -> None:
        random = np.random.default_rng(0)
        for episode in range(1000, 2000):
            for topic, message, step in episode_messages(episode, 12):
                self._publishers[topic.name].publish(message)
                if topic is topics.ACTION:
                    weights = random.dirichlet([1.0] * 4).tolist()
                    self._usage.publish(ExpertUsage(episode=episode, step=step, weights=weights))
                    pixels = random.integers(0, 255, (48, 64, 3), np.uint8)
                    self._images.publish(array_to_image(pixels, "rgb8", message.header.stamp))
                if self._stop.wait(0.02):
                    return


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    cell = Cell()
    yield cell
    cell.close()


@pytest.fixture(scope="module")
def address(cell: Cell, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("monitor")
    arguments = ("-p", "port:=0", "-p", "task:=cable_routing", "-p", f"bags:={folder}")
    process = NodeProcess("mentor_recorder", "monitor_node", NAMESPACE, folder, *arguments)
    pattern = r"watch the cell: http://(127\.0\.0\.1:\d+)/"
    assert cell.peer.wait(lambda: re.search(pattern, process.output) is not None, 60.0)
    found = re.search(pattern, process.output)
    assert found is not None
    yield found[1]
    assert process.end() == 0, process.output


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


def local(requests: list[str], address: str) -> bool:
    return all(
        request.startswith((f"http://{address}/", f"ws://{address}/", "data:", "about:"))
        for request in requests
    )


def test_the_page_shows_a_live_cell(cell: Cell, address: str, browser: Browser) -> None:
    browser.open(f"http://{address}/")
    pictures = "document.body && Number(document.body.dataset.pictures) || 0"
    assert browser.wait(f"{pictures} > 8"), browser.errors
    before = browser.evaluate("document.getElementById('observation').src")
    assert browser.wait(f"document.getElementById('observation').src !== '{before}'")
    assert browser.wait("document.querySelectorAll('#cameras img').length === 1")
    points = "Number(document.getElementById('returns').dataset.points)"
    now = browser.evaluate(points)
    assert browser.wait(f"{points} > {now}"), "the curve of returns grows"
    assert browser.wait("Number(document.getElementById('experts').dataset.points) > 0")
    assert browser.wait("document.querySelectorAll('#terms div').length === 3")
    states = "document.getElementById('states').textContent"
    assert browser.wait(f"{states}.includes('slot_1') && {states}.includes('75.0 %')")
    named = f"/slot_1(outside|side|above)75/.test({states})"
    assert browser.wait(named), browser.evaluate(states)
    assert browser.errors == []
    assert local(browser.requests, address), browser.requests


def test_every_button_does_its_work(cell: Cell, address: str, browser: Browser) -> None:
    for name in ("pause", "resume", "stop_after_episode", "evaluate_now", "keep"):
        browser.evaluate(f"document.querySelector('[data-service={name}]').click()")
        assert browser.wait(f"document.getElementById('answer').textContent === '{name} it is'"), (
            browser.errors
        )
        assert cell.called[-1] == name


def test_a_foxglove_client_gets_the_raw_topics(cell: Cell, address: str) -> None:
    with connect(f"ws://{address}/", subprotocols=["foxglove.sdk.v1"]) as socket:
        channels: dict[str, Any] = {}
        while f"{NAMESPACE}/reward" not in channels:
            message = socket.recv(30)
            if isinstance(message, str) and json.loads(message)["op"] == "advertise":
                channels |= {c["topic"]: c for c in json.loads(message)["channels"]}
        reward = channels[f"{NAMESPACE}/reward"]
        wanted = [{"id": 5, "channelId": reward["id"]}]
        socket.send(json.dumps({"op": "subscribe", "subscriptions": wanted}))
        until = time.monotonic() + 30.0
        while isinstance(data := socket.recv(30), str):
            assert time.monotonic() < until
    assert struct.unpack_from("<BI", data) == (1, 5)
    # A foreign decoder, with nothing but the schema that the channel came with.
    decode = generate_dynamic(reward["schemaName"], reward["schema"])[reward["schemaName"]]
    assert list(decode(data[13:]).term_names) == ["slot_1", "slot_2"]


def test_the_page_opens_a_bag_on_a_timeline(browser: Browser, tmp_path: Path) -> None:
    write_cell_bag(tmp_path / "bags" / "one", leave_out=[("observation", 102, 3)])
    routes = Routes(BagShelf(tmp_path / "bags"), live=False)
    server = MonitorServer(
        "127.0.0.1", 0, Access("127.0.0.1"), routes.get, lambda _: None, lambda _: (False, "")
    )
    address = f"127.0.0.1:{server.port}"
    browser.requests.clear()
    try:
        browser.open(f"http://{address}/")
        assert browser.wait("document.body && document.body.dataset.mode === 'bag'")
        place = "document.getElementById('place').textContent"
        assert browser.wait(f"{place}.startsWith('episode 0 (number 101), step 0; 1 of 15')"), (
            browser.evaluate(place), browser.errors
        )  # fmt: skip
        assert browser.wait("document.getElementById('observation').src.startsWith('data:')")
        browser.evaluate("document.getElementById('on').click()")
        assert browser.wait(f"{place}.startsWith('episode 0 (number 101), step 1;')")
        assert browser.wait("document.querySelectorAll('#terms div').length === 3")
        slider = "document.getElementById('slider')"
        browser.evaluate(f"{slider}.value = 8; {slider}.oninput()")
        missing = "document.getElementById('seen').textContent.includes('no observation')"
        assert browser.wait(missing), browser.evaluate(place)
        assert browser.evaluate("document.getElementById('observation').hidden"), "it is a step's"
        assert local(browser.requests, address), browser.requests
    finally:
        server.close()
