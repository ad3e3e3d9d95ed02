"""The topics that a view of the cell is made from."""

from __future__ import annotations

from mentor_common.messages import topics
from mentor_common.node.cell_node import CellNode
from mentor_recorder.monitor.cell_view import CellView


def subscribe(node: CellNode, view: CellView) -> None:
    """Let a view receive the cell's experience and training."""
    for topic, receive in (
        (topics.ACTION, view.on_action),
        (topics.MOTION, view.on_motion),
        (topics.REWARD, view.on_reward),
        (topics.EPISODE_START, view.on_episode_start),
        (topics.EXPERT_USAGE, view.on_expert_usage),
        (topics.TRAINING, view.on_training),
    ):
        node.subscription(topic, receive)
