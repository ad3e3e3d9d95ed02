"""The arm node as a process, with a stand-in for the robot: what people and nodes ask of it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from asking import answer
from fake_peer import FakePeer
from rclpy.action import ActionClient
from std_srvs.srv import SetBool, Trigger
from task_node import task_node

from mentor_common.messages import topics
from mentor_msgs.action import Gripper, MoveTo, Recover
from mentor_msgs.msg import Action, Motion
from mentor_msgs.srv import Describe

LATE = 60.0
URDF = '<robot name="fr3"/>'


class Cell(FakePeer):
    """Whoever uses the arm."""

    def __init__(self) -> None:
        super().__init__("cell")
        self.motions: list[Motion] = []
        self.node.create_subscription(Motion, "motion", self.motions.append, topics.EXPERIENCE_QOS)
        self.actions = self.node.create_publisher(Action, "action", topics.EXPERIENCE_QOS)
        self.clients = {
            kind: ActionClient(self.node, kind, name)
            for kind, name in ((MoveTo, "move_to"), (Gripper, "gripper"), (Recover, "recover"))
        }
        self.reports = self.record_diagnostics("arm")
        self.begin()

    def call(self, kind: Any, name: str, request: Any) -> Any:
        client = self.node.create_client(kind, name)
        assert client.wait_for_service(LATE), f"nobody serves {name}"
        return answer(lambda: client.call_async(request), wait_for)

    def arm(self, armed: bool) -> None:
        assert self.call(SetBool, "armed", SetBool.Request(data=armed)).success

    def send(self, goal: Any, on_feedback: Any = None) -> Any:
        """Send a goal; return its handle."""
        client = next(c for kind, c in self.clients.items() if isinstance(goal, kind.Goal))
        assert client.wait_for_server(LATE)
        handle = answer(lambda: client.send_goal_async(goal, on_feedback), wait_for)
        assert handle.accepted
        return handle

    def result(self, goal: Any) -> Any:
        return done(self.send(goal).get_result_async()).result

    def begin_episode(self, episode: int) -> None:
        goal = MoveTo.Goal(episode=episode, begins_episode=True, target=[0.0, 0.0])
        assert self.result(goal).success
        assert self.wait(lambda: (episode, 0) in self.seen(), LATE)

    def seen(self) -> dict[tuple[int, int], Motion]:
        return {(motion.episode, motion.step): motion for motion in list(self.motions)}

    def act(self, episode: int, step: int, *data: float) -> Motion:
        """Send an action; return the motion that it led to."""
        action = Action(episode=episode, step=step, data=data)
        action.header.stamp = self.node.get_clock().now().to_msg()
        self.actions.publish(action)
        assert self.wait(lambda: (episode, step + 1) in self.seen(), LATE), "no motion"
        return self.seen()[episode, step + 1]


def wait_for(future: Any, seconds: float) -> None:
    event = threading.Event()
    future.add_done_callback(lambda _: event.set())
    event.wait(seconds)


def done(future: Any) -> Any:
    wait_for(future, LATE)
    assert future.done(), "no answer"
    return future.result()


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    folder = tmp_path_factory.mktemp("cell")
    (folder / "arm.urdf").write_text(URDF)
    (folder / "mine.yaml").write_text("name: mine\nrobot: {description: arm.urdf}\n")
    given = {"backend": "stand_in", "cell_file": str(folder / "mine.yaml")}
    cell = Cell()
    try:
        with task_node("mentor_arm.nodes.arm_node", **given, diagnostics_period=0.2):
            cell.wait_until_active(lambda: cell.actions.get_subscription_count() > 0, "the arm")
            yield cell
    finally:
        cell.close()


def test_nothing_moves_before_a_person_has_armed_it(cell: Cell) -> None:
    result = cell.result(MoveTo.Goal(target=[0.5, 0.5]))
    assert not result.success and "not armed" in result.message
    result = cell.result(Gripper.Goal(command="grasp", width=0.02))
    assert not result.success and "not armed" in result.message and math.isnan(result.width)
    cell.arm(True)
    result = cell.result(MoveTo.Goal(target=[0.5, 0.5]))
    assert result.success and max(abs(value - 0.5) for value in result.reached) < 0.03


def test_actions_move_and_a_disarmed_arm_ends_the_episode_as_failed(cell: Cell) -> None:
    cell.arm(True)
    cell.begin_episode(1)
    motion = cell.act(1, 0, 1.0, -1.0)
    assert not motion.failed
    assert [round(value, 2) for value in motion.normalized] == [0.2, -0.2]
    cell.arm(False)
    motion = cell.act(1, 1, 1.0, 1.0)
    assert motion.failed and "not armed" in motion.reason
    assert [round(value, 2) for value in motion.normalized] == [0.2, -0.2]


def test_hold_stops_a_move_at_once_and_arming_lets_it_go_on(cell: Cell) -> None:
    cell.arm(True)
    handle = cell.send(MoveTo.Goal(target=[-1.0, -1.0], speed=0.05))
    time.sleep(0.3)
    assert cell.call(Trigger, "hold", Trigger.Request()).success
    result = done(handle.get_result_async()).result
    assert not result.success and "held by a person" in result.message
    assert min(result.reached) > -0.9
    assert not cell.result(Recover.Goal()).success, "only a person lets go"
    cell.arm(True)
    assert cell.result(Recover.Goal()).success
    assert cell.result(MoveTo.Goal(target=[0.0, 0.0])).success


@pytest.mark.real_time
@pytest.mark.parametrize(
    "goal",
    [
        MoveTo.Goal(target=[1.0, 1.0], speed=0.05),
        MoveTo.Goal(target=[1.0, 1.0], speed=0.05, begins_episode=True, episode=9),
        MoveTo.Goal(movement="release_tension"),
    ],
    ids=["move", "begin of an episode", "release_tension"],
)
def test_a_cancelled_move_stands_still_within_a_fifth_of_a_second(
    cell: Cell, goal: MoveTo.Goal
) -> None:
    cell.arm(True)
    assert cell.result(MoveTo.Goal(target=[0.0, 0.0])).success
    handle = cell.send(goal)
    time.sleep(0.15)
    began = time.monotonic()
    done(handle.cancel_goal_async())
    result = done(handle.get_result_async()).result
    assert time.monotonic() - began < 0.2
    assert not result.success and "cancelled" in result.message


def test_the_gripper_and_the_description_answer(cell: Cell) -> None:
    cell.arm(True)
    assert cell.result(Gripper.Goal(command="homing")).success
    result = cell.result(Gripper.Goal(command="grasp", width=0.02, force=20.0))
    assert result.success and result.grasped and result.width == pytest.approx(0.02)
    widths: list[float] = []
    handle = cell.send(
        Gripper.Goal(command="release"), lambda said: widths.append(said.feedback.width)
    )
    assert done(handle.get_result_async()).result.width == pytest.approx(0.08)
    assert cell.wait(lambda: widths == [pytest.approx(0.02)], LATE)
    result = cell.result(Gripper.Goal(command="grasp", width=0.2))
    assert not result.success and "at most 0.08 m" in result.message
    response = cell.call(Describe, "describe", Describe.Request())
    assert response.ready and response.environment == "arm 0.1.0 (stand_in)"
    assert response.period == 0.5 and list(response.action_names) == ["dx", "dz"]
    described: list[str] = []
    topic = topics.ROBOT_DESCRIPTION
    cell.node.create_subscription(
        topic.type, topic.name, lambda message: described.append(message.data), topic.qos
    )
    assert cell.wait(lambda: described == [URDF], LATE)
