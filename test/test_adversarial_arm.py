"""Random and adversarial actions against the real arm node, over topics, and behind it a simulated
control box that speaks the robot's own protocol."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import answer
from diagnostic_msgs.msg import DiagnosticArray
from fake_peer import FakePeer
from rclpy.action import ActionClient

from mentor_common.arm.command import CommandStatus
from mentor_common.messages import topics
from mentor_common.messages.experience import nanoseconds_to_time
from mentor_common.tasks.task import load_task
from mentor_msgs.action import MoveTo, Recover
from mentor_msgs.msg import Action, Motion

pytestmark = [pytest.mark.real_time, pytest.mark.soak, pytest.mark.timeout(7200)]

LAUNCH = Path(__file__).parent.parent / "launch"
ADDRESS = f"127.77.16.{1 + os.getpid() % 250}"  # beside other runs of this test
ACTIONS = int(os.environ.get("ACTIONS", "10_000"))
SECOND = 1_000_000_000
LATE = 60.0
PERIOD = 0.1  # instead of the task's 0.5 s: an action takes as long as the limits make it take
DEADLINE = 2.0  # seconds; whoever works beside this may hold it up


class Adversary(FakePeer):
    """An agent and a reset node that do everything wrong, and a witness of what the arm does."""

    def __init__(self) -> None:
        super().__init__("adversary")
        self.motions: dict[tuple[int, int], Motion] = {}
        self.statuses: dict[str, int] = {}
        qos = topics.EXPERIENCE_QOS
        self.node.create_subscription(Motion, "motion", self._on_motion, qos)
        self.actions = self.node.create_publisher(Action, "action", qos)
        topic = topics.DIAGNOSTICS
        self.node.create_subscription(topic.type, topic.name, self._on_diagnostics, topic.qos)
        self._move: Any = ActionClient(self.node, MoveTo, "move_to")
        self._recover: Any = ActionClient(self.node, Recover, "recover")
        self.random = np.random.default_rng(0)
        self.episode = self.step = 0
        self.sent: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.record_diagnostics("arm")
        self.begin()

    def _on_motion(self, message: Motion) -> None:
        self.motions[message.episode, message.step] = message

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if "arm" in status.name:
                self.statuses |= {
                    pair.key: int(float(pair.value))
                    for pair in status.values
                    if pair.key.startswith("actions ")
                }

    def result(self, client: Any, goal: Any) -> Any:
        assert client.wait_for_server(LATE)
        handle = answer(lambda: client.send_goal_async(goal), wait_for)
        if not handle.accepted:
            return None
        future = handle.get_result_async()
        wait_for(future, LATE)
        assert future.done(), "no result"
        return future.result().result

    def begin_episode(self) -> None:
        """Begin an episode anywhere; recover if the arm is in a fault."""
        until = time.monotonic() + LATE
        while time.monotonic() < until:
            self.episode += 1
            goal = MoveTo.Goal(episode=self.episode, begins_episode=True, speed=1.0)
            goal.target = self.random.uniform(-1.0, 1.0, 2).tolist()
            goal.window_offset = self.random.uniform(-0.3, 0.3, 2).tolist()
            result = self.result(self._move, goal)
            if result is not None and result.success:
                self.step = 0
                return
            self.result(self._recover, Recover.Goal())
            time.sleep(0.1)
        raise AssertionError(f"no episode begins: {result}")

    def send(self, kind: str, data: Any, **changes: Any) -> None:
        stamp = time.time_ns() + changes.pop("late", 0)
        action = Action(episode=changes.pop("episode", self.episode), step=self.step)
        action.step = changes.pop("step", self.step)
        action.header.stamp = nanoseconds_to_time(stamp)
        action.data = np.asarray(data, np.float32).tolist()
        self.sent[kind] += 1
        self.actions.publish(action)

    def send_bad(self) -> bool:
        """Send one that must move nothing; return whether it ends the episode."""
        random, data = self.random, self.random.uniform(-1.0, 1.0, 2)
        match int(random.integers(7)):
            case 0:
                data[random.integers(2)] = random.choice([np.nan, np.inf, -np.inf])
                self.send("not finite", data)
            case 1:
                self.send("wrong size", np.zeros(random.choice([0, 1, 3, 1000])))
            case 2:
                self.send("other step", data, step=self.step + int(random.integers(1, 2**16)))
            case 3 if self.step:
                self.send("duplicate", data, step=self.step - 1)
            case 4:
                self.send("other episode", data, episode=int(random.integers(2**40, 2**63)))
            case 5 if random.random() < 0.1:
                self.send("stale", data, late=-int(random.integers(3, 10)) * SECOND)
                return True
            case 6 if random.random() < 0.1:
                self.send("future", data, late=int(random.integers(3, 10)) * SECOND)
                return True
            case _:
                self.send("other episode", data, episode=0)
        return False

    def act(self) -> None:
        """Send an action of any size, and wait for its motion."""
        size = self.random.choice([0.3, 1.0, 30.0, 1e30])
        self.send("good", np.clip(size * self.random.uniform(-1.0, 1.0, 2), -3e38, 3e38))
        self.await_motion()

    def await_motion(self) -> None:
        key = (self.episode, self.step + 1)
        assert self.wait(lambda: key in self.motions, LATE), f"no motion {key}"
        motion = self.motions[key]
        self.step += 1
        assert max(abs(value) for value in motion.normalized) < 2.0 or motion.failed
        if motion.failed:
            self.failed[motion.reason.partition(":")[0].partition(",")[0]] += 1
            self.begin_episode()


def wait_for(future: Any, seconds: float) -> None:
    event = threading.Event()
    future.add_done_callback(lambda _: event.set())
    event.wait(seconds)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A task of short steps, a cell file, a control box, and the arm node between witnesses."""
    text = (LAUNCH / "tasks" / "cable_routing.yaml").read_text()
    assert "  period: 0.5" in text
    task, cell = tmp_path / "cable_routing.yaml", tmp_path / "cell.yaml"
    task.write_text(text.replace("  period: 0.5", f"  period: {PERIOD}"))
    rehearsal = (LAUNCH / "cells" / "rehearsal.yaml").read_text()
    cell.write_text(rehearsal.replace("address: rehearsal", f"address: {ADDRESS}"))
    parameters = (
        f"task:={task}", f"cell_file:={cell}", "backend:=fci", "armed:=true", "watchdog:=0.0",
        f"action_deadline:={DEADLINE}", "diagnostics_period:=0.5",
    )  # fmt: skip
    box = ["-m", "mentor_sim_bridge.twins.rehearsal.control_box", "--address", ADDRESS]
    commands = (
        [sys.executable, *box, "--task", str(task)],
        [sys.executable, str(Path(__file__).with_name("witnessed_arm_node.py")), "--ros-args",
         *(word for one in parameters for word in ("-p", one))],
    )  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "WITNESS": str(tmp_path / "witness.json")}
    with (tmp_path / "log.txt").open("wb") as log:
        processes = [
            subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            for command in commands
        ]
        try:
            yield tmp_path
        finally:
            for process in reversed(processes):
                process.terminate()
            for process in processes:
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()


def test_random_and_adversarial_actions_break_no_limit_of_an_arm_over_its_own_protocol(
    folder: Path,
) -> None:
    adversary = Adversary()
    try:
        adversary.wait_until_active(lambda: adversary.actions.get_subscription_count() > 0, "arm")
        adversary.begin_episode()
        while adversary.sent.total() < ACTIONS:
            ends = False
            for _ in range(int(adversary.random.integers(0, 4))):
                ends = ends or adversary.send_bad()
            if ends:
                adversary.await_motion()
            elif adversary.random.random() < 0.02:
                adversary.act()  # so that what was sent before belongs to the episode that ends
                adversary.begin_episode()
            else:
                adversary.act()
            if adversary.sent.total() % 500 < 4:
                print(adversary.sent.total(), (folder / "witness.json").read_text(), flush=True)
        time.sleep(2.0)
        witness = json.loads((folder / "witness.json").read_text())
        print(dict(adversary.sent), adversary.statuses, dict(adversary.failed), witness)
    finally:
        adversary.close()
    worst, limits = witness["worst"], witness["limits"]
    assert worst["outside"] <= 1e-6, witness
    assert worst["speed"] <= limits["speed"] * 1.001, witness
    assert worst["acceleration"] <= limits["acceleration"] * 1.05, witness
    reach = load_task(folder / "cable_routing.yaml").arm.contact.reach_error
    assert worst["measured outside"] <= reach, witness
    sent, statuses = adversary.sent, adversary.statuses
    for kind, status in (
        ("not finite", CommandStatus.NOT_FINITE), ("wrong size", CommandStatus.WRONG_SIZE),
        ("duplicate", CommandStatus.DUPLICATE), ("stale", CommandStatus.STALE),
        ("future", CommandStatus.FUTURE),
    ):  # fmt: skip
        assert math.isclose(statuses[status.value], sent[kind]), (kind, sent, statuses)
