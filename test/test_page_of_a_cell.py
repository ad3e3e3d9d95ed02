"""The page of a whole cell: its pictures and plots live, its buttons work, none moves the arm."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser
from fake_peer import FakePeer
from sensor_msgs.msg import JointState
from short_episodes import short_episodes
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from mentor_common.messages import topics

SETTINGS = (
    "train.learn=false train.eval_episodes=1 train.video=false agent.hidden_dim=16 "
    "agent.feature_dim=8 agent.experts=2 agent.top_k=1 agent.expert_dim=8 train.batch_size=8"
)
AT_REST = 1e-3
"""Radians by which a joint of an arm at rest may drift."""
RESUME = "resume"
"""The one button after which a training moves its arm again, as it is meant to."""


@dataclass
class Cell:
    """A cell of a launch of its own, and what moves in it."""

    launched: subprocess.Popen[str]
    log: Path
    peer: FakePeer
    moved: list[str]
    """What moved, or was to move, the arm: names of topics, in order."""

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait(self, condition: Callable[[], object], seconds: float = 150.0) -> None:
        assert self.peer.wait(lambda: bool(condition()), seconds), self.output


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    folder = tmp_path_factory.mktemp("page")
    command = [
        sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup", "cable_routing.launch.py",
        "agent:=mentor", f"overrides:={SETTINGS}", "monitor:=true", "record:=fault",
        "run_dir:=run", "max_steps:=100000",
    ]  # fmt: skip
    log = folder / "cell.txt"
    with log.open("w") as stream:
        launched = subprocess.Popen(
            command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, text=True,
            env=short_episodes(folder, "cable_routing", 8),
        )  # fmt: skip
    peer, moved = FakePeer("watcher"), list[str]()
    for topic in (topics.ACTION, topics.MOTION):
        peer.node.create_subscription(
            topic.type, topic.name, lambda _, name=topic.name: moved.append(name), topic.qos
        )
    pose = np.zeros(7)

    def on_joints(message: JointState) -> None:  # published when the arm is at rest, too
        nonlocal pose
        if np.abs(np.array(message.position[:7]) - pose).max() > AT_REST:
            pose = np.array(message.position[:7])
            moved.append("joint_states")

    joints = topics.JOINT_STATES
    peer.node.create_subscription(joints.type, joints.name, on_joints, joints.qos)
    peer.begin()
    yield Cell(launched, log, peer, moved)
    if launched.poll() is None:
        launched.send_signal(signal.SIGINT)
        launched.wait(60)
    peer.close()


@pytest.fixture(scope="module")
def address(cell: Cell) -> str:
    pattern = r"watch the cell: http://(127\.0\.0\.1:\d+)/"
    cell.wait(lambda: re.search(pattern, cell.output))
    found = re.search(pattern, cell.output)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    with Browser((400, 300)) as browser:  # little to paint
        browser.open(f"http://{address}/")
        yield browser


def test_the_work_of_the_cell_goes_before_that_of_page_and_recorder(
    cell: Cell, address: str
) -> None:
    def niceness(executable: str) -> int:
        found = re.search(rf"{executable}-\d+\]: process started with pid \[(\d+)\]", cell.output)
        assert found is not None, cell.output
        return os.getpriority(os.PRIO_PROCESS, int(found[1]))

    least = max(5, niceness("twin_node"))  # the tests may have been started with another
    assert niceness("monitor_node") == niceness("recorder_node") == least


def press(browser: Browser, name: str) -> str:
    """Press a button; return what the page says of it."""
    browser.evaluate("document.getElementById('answer').textContent = ''")
    browser.evaluate(f"document.querySelector('[data-service={name}]').click()")
    answer = "document.getElementById('answer').textContent"
    return str(browser.wait(f"!{answer}.endsWith('...') && {answer}"))


def call_everything(address: str) -> int:
    """Call every service of the page but resume, and numbers that no service has.

    Returns:
        How many services there are.
    """
    with connect(f"ws://{address}/", subprotocols=["foxglove.sdk.v1"]) as socket:
        names: dict[int, str] = {}
        while not names:
            data = socket.recv(30)
            message: dict[str, Any] = json.loads(data) if isinstance(data, str) else {}
            names = {service["id"]: service["name"] for service in message.get("services", [])}
        for number in range(64):
            if not names.get(number, "").endswith(RESUME):
                socket.send(struct.pack("<BIII4s", 2, number, number, 4, b"json") + b"{}")
                time.sleep(0.01)
            if number not in names:
                assert "no such service" in received(socket, "serviceCallFailure")
    return len(names)


def received(socket: ClientConnection, operation: str) -> str:
    """Return the next text message of an operation."""
    until = time.monotonic() + 30.0
    while time.monotonic() < until:
        data = socket.recv(30.0)
        if isinstance(data, str) and json.loads(data)["op"] == operation:
            return data
    raise AssertionError(f"no {operation}")


def publish_and_set_parameters(address: str) -> None:
    """Try what the protocol has beside services; each attempt must be refused."""
    channel = {"id": 1, "topic": "/action", "encoding": "cdr", "schemaName": "mentor_msgs/Action"}
    parameter = {"name": "/arm.x", "value": 1}
    with connect(f"ws://{address}/", subprotocols=["foxglove.sdk.v1"]) as socket:
        for attempt in (
            {"op": "advertise", "channels": [channel]},
            {"op": "setParameters", "parameters": [parameter]},
        ):
            socket.send(json.dumps(attempt))
            assert f"'{attempt['op']}' is refused" in received(socket, "status")
        socket.send(struct.pack("<BI", 1, 1) + bytes(64))  # an Action on that channel
        with pytest.raises(ConnectionClosed, match="not of the protocol"):
            received(socket, "none")


def test_the_page_shows_the_cell_as_it_goes_on(browser: Browser, address: str) -> None:
    pictures = "Number(document.body.dataset.pictures)"
    assert browser.wait(f"{pictures} > 8", 150.0), browser.errors
    seen = browser.evaluate("document.getElementById('observation').src")
    assert browser.wait(f"document.getElementById('observation').src !== '{seen}'")
    assert browser.wait("document.querySelectorAll('#cameras img').length === 3")
    for plot in ("terms", "experts"):
        assert browser.wait(
            f"document.getElementById('{plot}').childElementCount > 0 || "
            f"Number(document.getElementById('{plot}').dataset.points) > 0"
        ), plot
    assert browser.wait("Number(document.getElementById('returns').dataset.points) > 0", 150.0)
    assert browser.errors == []
    for request in browser.requests:
        assert request.startswith((f"http://{address}/", f"ws://{address}/", "data:", "about:"))


def test_while_it_is_paused_no_service_of_the_page_moves_the_arm(
    cell: Cell, browser: Browser, address: str
) -> None:
    assert "until resume" in press(browser, "pause")

    def still() -> bool:
        before = len(cell.moved)
        time.sleep(4.0)  # a step or a move of the reset that is under way ends first
        return len(cell.moved) == before

    cell.wait(still)
    before = len(cell.moved)
    assert call_everything(address) == 5
    publish_and_set_parameters(address)
    time.sleep(3.0)
    assert cell.moved[before:] == []


def test_the_buttons_do_their_work(cell: Cell, browser: Browser) -> None:
    before = len(cell.moved)
    press(browser, RESUME)
    cell.wait(lambda: len(cell.moved) > before + 10)
    assert "evaluates when the episode is over" in press(browser, "evaluate_now")
    cell.wait(lambda: "evaluation over 1 episodes" in cell.output)
    bags = cell.log.parent / "run" / "bags"
    kept = len(list(bags.glob("*/*.mcap")))
    press(browser, "keep")
    cell.wait(lambda: len(list(bags.glob("*/*.mcap"))) > kept)
    assert "ends with a checkpoint" in press(browser, "stop_after_episode")
    cell.wait(lambda: cell.launched.poll() is not None)
    assert cell.launched.returncode == 0, cell.output
