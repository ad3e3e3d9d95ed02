"""What the result of a goal holds that was replaced, or whose execution raised."""

from __future__ import annotations

import math
import threading
from typing import Any

from asking import answer
from cell_process import CellProcess, fresh_namespace
from fake_peer import FakePeer
from rclpy.action import ActionClient

from mentor_common.messages import topics
from mentor_msgs.action import Gripper


def wait_for(future: Any, seconds: float = 60.0) -> Any:
    event = threading.Event()
    future.add_done_callback(lambda _: event.set())
    return event.wait(seconds)


def test_a_gripper_goal_that_was_not_carried_out_has_no_width_and_not_that_of_an_empty_hand() -> (
    None
):
    namespace = fresh_namespace()
    peer = FakePeer("grasper", namespace)
    client: Any = ActionClient(peer.node, Gripper, "gripper")
    rewards: list[Any] = []
    topic = topics.REWARD
    peer.node.create_subscription(topic.type, topic.name, rewards.append, topic.qos)
    peer.begin()
    try:
        with CellProcess("plain_node.py", namespace) as process:
            assert client.wait_for_server(60.0)
            assert peer.wait(lambda: bool(rewards), 60.0), process.output  # the node is active

            def result_of(command: str) -> Any:
                goal = Gripper.Goal(command=command)
                handle = answer(lambda: client.send_goal_async(goal), wait_for)
                assert handle.accepted
                return handle.get_result_async()

            replaced = result_of("grasp")
            raised = result_of("homing")
            assert wait_for(replaced) and wait_for(raised)
    finally:
        peer.close()
    assert raised.result().result.message == "RuntimeError: the fingers are stuck"
    for result in (replaced.result().result, raised.result().result):
        assert not result.success and math.isnan(result.width)
