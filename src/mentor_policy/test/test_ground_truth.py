"""Ground truth is one typed message for all tasks; what is no such message changes nothing."""

from __future__ import annotations

import random

import pytest
from point_env import STEPS, PointEnv
from rclpy.serialization import serialize_message

from mentor_common.messages.cdr import CdrError
from mentor_common.messages.topics import EVALUATION
from mentor_common.node.health import Health
from mentor_msgs.msg import GroundTruth
from mentor_policy.nodes.end_report import end_report
from mentor_policy.nodes.ground_truth import (
    GroundTruthEvaluation,
    GroundTruthReceiver,
    read_success,
)

EPISODE = 2**40 + 7


def message(step: int = STEPS, success: bool = True) -> bytes:
    truth = GroundTruth(episode=EPISODE, step=step, success=success)
    truth.header.frame_id = "peg"
    truth.names, truth.values = ["peg_depth", "angle"], [0.01, 0.5]
    return bytes(serialize_message(truth))


class FakeNode:
    """As much of a node as the receiver asks for."""

    def __init__(self) -> None:
        self.health, self.lines, self.publishers = Health(), [], 1

    def resolve_topic_name(self, name: str) -> str:
        return f"/cell/{name}"

    def create_subscription(self, kind, name, callback, qos, *, raw: bool) -> None:
        assert kind is GroundTruth and raw
        self.receive = callback

    def count_publishers(self, name: str) -> int:
        return self.publishers

    def get_logger(self):
        return self

    def warning(self, line: str) -> None:
        self.lines.append(line)


class CellEnv(PointEnv):
    """A cell in process: its own success is always False."""

    purpose, episode = EVALUATION, EPISODE

    def send(self, action) -> None:
        self._action = action

    def receive(self):
        observation, reward, terminated, truncated, info = self.step(self._action)
        return observation, reward, terminated, truncated, {**info, "success": False}


def test_episode_step_and_success_are_read_and_damaged_bytes_refused() -> None:
    data = message()
    assert read_success(data) == (EPISODE, STEPS, True)
    for length in range(len(data) - 3):
        with pytest.raises(CdrError):
            read_success(data[:length])
    rng = random.Random(1)
    for _ in range(3000):  # whatever the bytes are, nothing else is raised
        changed = bytearray(data)
        for _ in range(3):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        try:
            read_success(bytes(changed))
        except CdrError:
            continue


def test_nobody_is_named_as_the_source_of_an_evaluation_that_another_process_has_made() -> None:
    receiver = GroundTruthReceiver(FakeNode())  # type: ignore[arg-type]
    source = GroundTruthEvaluation(CellEnv(), receiver).source  # type: ignore[arg-type]
    summary = dict.fromkeys(("step", "episodes", "updates", "seconds"), 1) | {
        "complete": True, "return": 1.0, "success": 1.0, "success_interval": [0.5, 1.0],
        "checkpoint": "run/checkpoints/1", "environment": {"task": "cable_routing"},
    }  # fmt: skip
    assert end_report(summary, source)[1].endswith("(95 % interval 0.50 to 1.00)")


def test_an_evaluation_takes_success_from_ground_truth_whatever_else_is_on_the_topic() -> None:
    node = FakeNode()
    receiver = GroundTruthReceiver(node)  # type: ignore[arg-type]
    env = GroundTruthEvaluation(CellEnv(), receiver)  # type: ignore[arg-type]
    for junk in (b"", b'{"slot_1": 3}', message()[:-9], bytes(64)):
        node.receive(junk)
    node.receive(message())
    node.receive(message(success=False))  # the first one of a step holds
    assert len(node.lines) == 1 and "/cell/ground_truth is dropped" in node.lines[0]
    env.reset(seed=0)
    for _ in range(STEPS):
        info = env.step([0.0, 0.0])[-1]
    assert info["success"] and env.source == "by ground truth"
    node.publishers = 0
    env.reset(seed=0)
    for _ in range(STEPS):
        info = env.step([0.0, 0.0])[-1]
    assert not info["success"] and "in 1 episodes" in env.source
