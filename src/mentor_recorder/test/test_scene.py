"""Markers and dashboard show what is known of a cell."""

from __future__ import annotations

from small_bags import episode_messages
from visualization_msgs.msg import Marker

from mentor_common.messages import topics
from mentor_common.tasks.task import find_task
from mentor_msgs.msg import EpisodeStart, ExpertUsage
from mentor_recorder.monitor.cell_view import CellView
from mentor_recorder.scene.dashboard import SIZE, dashboard
from mentor_recorder.scene.markers import scene


def test_the_scene_shows_window_terms_and_experts() -> None:
    workspace, view = find_task("cable_routing").workspace, CellView()
    empty = {m.id: m for m in scene(workspace, view.state(0.0), None).markers}
    assert empty[0].type == Marker.LINE_LIST and len(empty[0].points) == 24
    assert empty[4].action == Marker.DELETE
    view.on_episode_start(EpisodeStart(episode=5, window_offset=[0.1, -0.1]))
    for topic, message, _ in episode_messages(5, 2):
        if topic is topics.REWARD:
            view.on_reward(message)
        elif topic is topics.MOTION:
            view.on_motion(message)
    view.on_expert_usage(ExpertUsage(episode=5, step=1, weights=[0.75, 0.25]))
    shown = {m.id: m for m in scene(workspace, view.state(0.0), None).markers}
    moved = shown[0].points[0].x - empty[0].points[0].x
    low, high = workspace.axes[0].low, workspace.axes[0].high
    assert abs(moved - 0.1 * (high - low) / 2) < 1e-6
    assert shown[3].text.splitlines()[1] == "slot_2 0.5"
    assert shown[3].text.endswith("seen: slot_1 2\nseen: slot_1_probability 0.75")
    assert len(shown[4].points) == 2 * 12
    assert {m.header.frame_id for m in shown.values()} == {workspace.frame}


def test_the_dashboard_draws_curves() -> None:
    view = CellView()
    blank = dashboard(view.state(0.0), view.history())
    for episode in range(3):
        for topic, message, _ in episode_messages(episode, 4):
            if topic is topics.REWARD:
                view.on_reward(message)
    drawn = dashboard(view.state(0.0), view.history())
    assert drawn.shape == (*SIZE, 3) and (drawn != blank).any()
