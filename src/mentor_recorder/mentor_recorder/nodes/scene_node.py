"""Node: markers and a dashboard of the cell, for RViz."""

from __future__ import annotations

import time
from typing import ClassVar

from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from mentor_common.messages import topics
from mentor_common.messages.images import array_to_image
from mentor_common.messages.qos import transient_local
from mentor_common.messages.topics import Topic
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import TASK, Param
from mentor_common.tasks.task import find_task
from mentor_recorder.monitor.cell_view import CellView
from mentor_recorder.nodes.background import run_node
from mentor_recorder.nodes.view_subscriptions import ViewSubscriptions
from mentor_recorder.scene.dashboard import dashboard
from mentor_recorder.scene.markers import scene

_SHOWN = transient_local(1)
SCENE = Topic("scene", MarkerArray, _SHOWN, "scene node")
DASHBOARD = Topic("dashboard", Image, _SHOWN, "scene node")


class SceneNode(CellNode):
    """Publishes what RViz cannot draw by itself, while somebody subscribes."""

    NAME = "scene"
    STEPS_NEED_IT: ClassVar = False
    PARAMETERS: ClassVar = (
        TASK,
        Param("rate", "float", 5.0, "markers a second", low=0.1, high=60.0, read_only=True),
        Param("dashboard_rate", "float", 1.0, "dashboards a second", low=0.1, high=30.0,
              read_only=True),
    )  # fmt: skip

    def configure(self) -> None:
        """Find the task's workspace, and make the subscriptions."""
        self._workspace = find_task(self.text("task")).workspace
        self._view = view = CellView()
        self._target: PoseStamped | None = None
        self._scene, self._board = self.publisher(SCENE), self.publisher(DASHBOARD)
        self._messages = ViewSubscriptions(self, view)
        self._messages.add(topics.TARGET_POSE, self._on_target)
        self.timer(1.0 / self.number("rate"), self._publish_scene, wall=True)
        self.timer(1.0 / self.number("dashboard_rate"), self._publish_dashboard, wall=True)

    def _on_target(self, message: PoseStamped) -> None:
        self._target = message

    def _publish_scene(self) -> None:
        self._messages.take()
        if self._scene.get_subscription_count():
            state = self._view.state(time.monotonic())
            self._scene.publish(scene(self._workspace, state, self._target))

    def _publish_dashboard(self) -> None:
        if self._board.get_subscription_count():
            state, history = self._view.state(time.monotonic()), self._view.history()
            stamp = self.get_clock().now().to_msg()
            self._board.publish(array_to_image(dashboard(state, history), "rgb8", stamp))


def main() -> None:
    """Run the node; the entry point."""
    run_node(SceneNode)


if __name__ == "__main__":
    main()
