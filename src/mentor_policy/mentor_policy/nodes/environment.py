"""What a node of this package knows of the cell's environment: RosEnv, and what describes it."""

from __future__ import annotations

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
