"""What a node of this package knows of the cell's environment: ``describe``, and RosEnv."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mentor_common.env.ros_env import EnvironmentLost, RosEnv
from mentor_common.messages import topics
from mentor_common.messages.frames import FrameLayout
from mentor_common.node.cell_node import CellNode
from mentor_msgs.srv import Describe


def connect(node: CellNode) -> RosEnv | None:
    """Wait for the environment of the node's cell, and return it; None if the node stops.

    The node's parameters ``step_timeout``, ``reset_timeout`` and ``action_deadline`` hold.
    """
    while not node.stopping.is_set():
        try:
            return RosEnv(
                node=node,
                timeout=node.number("step_timeout"),
                reset_timeout=node.number("reset_timeout"),
                connect_timeout=2.0,
                action_deadline=node.number("action_deadline"),
            )
        except EnvironmentLost:
            continue  # the peer watch logs who is waited for
    return None


def sizes(env: RosEnv) -> tuple[int, int]:
    """Return ``(state_size, action_size)`` of an environment; 0 for no state."""
    return int(env.description.state_size), len(env.description.action_names)


def describe(node: CellNode, client: Any) -> Describe.Response | None:
    """Wait for the cell's description, and return it; None if the node stops.

    For a worker thread: the node's executor receives the answer. ``client`` is one of ``describe``.
    """
    while not node.stopping.is_set():
        if not client.service_is_ready():
            node.stopping.wait(0.1)
            continue
        answered = threading.Event()
        future = client.call_async(Describe.Request())
        future.add_done_callback(_set(answered))
        if answered.wait(2.0):
            answer: Describe.Response = future.result()
            return answer
        client.remove_pending_request(future)
    return None


def layout_of(description: Describe.Response) -> FrameLayout:
    """Return the frame layout of a description."""
    return FrameLayout(
        tuple(description.cameras),
        int(description.frames),
        int(description.height),
        int(description.width),
        bool(description.stacked),
    )


def watch_environment(node: CellNode) -> None:
    """Let the node's peer watch poll for whoever answers actions and resets."""
    node.peers.publisher_of(topics.OBSERVATION)
    node.peers.publisher_of(topics.REWARD)
    node.peers.action(topics.RESET_EPISODE)


def _set(event: threading.Event) -> Callable[[Any], None]:
    return lambda _: event.set()
