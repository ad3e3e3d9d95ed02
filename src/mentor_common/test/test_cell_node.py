"""What every node does by itself: lifecycle, parameters, diagnostics, peers, a clean end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from asking import answer
from cell_process import CellProcess, fresh_namespace
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import Float64

from mentor_common.messages import topics
from mentor_msgs.action import MoveTo
from mentor_msgs.msg import Action

PLAIN = "plain_node.py"


def until(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found():
            return found()
        time.sleep(0.02)
    return found()


class Peer:
    """Another program on the graph, which asks and listens."""

    def __init__(self) -> None:
        self.context = Context()
        rclpy.init(context=self.context, args=[])
        self.node = Node("peer", context=self.context, namespace=fresh_namespace())
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self._over = False
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def _spin(self) -> None:
        while not self._over:
            self.executor.spin_once(timeout_sec=0.05)

    def close(self) -> None:
        self._over = True
        self._thread.join()
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    def hear(self, kind: Any, name: str, qos: Any = 10) -> list[Any]:
        heard: list[Any] = []
        self.node.create_subscription(kind, name, heard.append, qos)
        return heard

    def ask(self, kind: Any, name: str, request: Any) -> Any:
        client = self.node.create_client(kind, name)
        assert client.wait_for_service(60.0), f"nobody serves {name}"
        return answer(lambda: client.call_async(request), lambda f, s: until(f.done, s))

    def change(self, namespace: str, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.ask(ChangeState, f"{namespace}/plain/change_state", request).success)

    def set(self, namespace: str, name: str, value: Any) -> Any:
        parameter = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[parameter])
        return self.ask(SetParameters, f"{namespace}/plain/set_parameters", request).results[0]

    def goal(self, namespace: str, feedback: list[Any] | None = None, **fields: Any) -> Any:
        # An ActionClient of rclpy 9.1.2 must be made and used on the thread that spins: beside it
        # the executor meets a client without its lock, or receives an answer before its future.
        client = self._spinning(lambda: ActionClient(self.node, MoveTo, f"{namespace}/move_to"))
        assert client.wait_for_server(60.0)
        heard = None if feedback is None else lambda m: feedback.append(m.feedback)
        goal = MoveTo.Goal(**fields)

        def send() -> Any:
            return client.send_goal_async(goal, feedback_callback=heard)

        return answer(lambda: self._spinning(send), lambda f, s: until(f.done, s))

    def _spinning(self, work: Callable[[], Any]) -> Any:
        task: Any = self.executor.create_task(work)
        assert until(task.done)
        return task.result()


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(peer: Peer) -> Iterator[str]:
    """The namespace of an active node."""
    namespace = fresh_namespace()
    with CellProcess(PLAIN, namespace) as process:
        heard = peer.hear(topics.REWARD.type, f"{namespace}/reward", topics.REWARD.qos)
        assert until(lambda: heard), process.output
        yield namespace


# Parameters.


@pytest.mark.parametrize(
    ("parameters", "hint"),
    [
        ({"sped": 1.0}, "'sped' (value 1.0) is unknown; did you mean 'speed'?"),
        ({"speed": 2.5}, "'speed': value 2.5 must be at most 2"),
        ({"speed": "fast"}, "'speed': value 'fast' must be of type float"),
        ({"agent": "drn"}, "must be one of ['mentor', 'drm'] (did you mean 'drm'?)"),
        ({"count": 1.5}, "'count': value 1.5 must be of type int"),
        ({"limit": 0.5}, "speed 1.0 is above limit 0.5"),
    ],
)
def test_bad_parameters_end_the_start_with_status_2(parameters: Any, hint: str) -> None:
    with CellProcess(PLAIN, fresh_namespace(), **parameters) as process:
        assert process.process.wait(60.0) == 2
        assert hint in process.output and "/plain" in process.output


def test_a_parameter_file_with_an_unknown_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("/**:\n  ros__parameters:\n    speed: 1\n    colour: red\n")
    with CellProcess(PLAIN, fresh_namespace(), "--params-file", str(file)) as process:
        assert process.process.wait(60.0) == 2
        assert "'colour' (value 'red') is unknown" in process.output


def test_every_parameter_says_its_type_meaning_and_range(peer: Peer, running: str) -> None:
    names = ["speed", "count", "agent", "file", "autostart"]
    request = DescribeParameters.Request(names=names)
    found = peer.ask(DescribeParameters, f"{running}/plain/describe_parameters", request)
    by_name = {d.name: d for d in found.descriptors}
    assert all(d.description and d.type for d in found.descriptors)
    speed = by_name["speed"].floating_point_range[0]
    assert (speed.from_value, speed.to_value) == (0.0, 2.0)
    assert by_name["count"].integer_range[0].to_value == 9
    assert "drm" in by_name["agent"].additional_constraints and by_name["file"].read_only


def test_changes_at_run_time_are_validated_and_refused_with_a_reason(
    peer: Peer, running: str
) -> None:
    assert peer.set(running, "speed", 1.5).successful
    for name, value, reason in [
        ("speed", 2.5, "out of range Min: 0.0, Max: 2.0"),
        ("agent", "drq", "must be one of"),
        ("limit", 1.0, "speed 1.5 is above limit 1.0"),
        ("count", "x", ""),
        ("file", "x", "read"),
        ("sped", 1.0, ""),
        ("use_sim_time", True, "is fixed at the start"),
    ]:
        result = peer.set(running, name, value)
        assert not result.successful and reason in result.reason
    request = GetParameters.Request(names=["speed", "limit"])
    values = peer.ask(GetParameters, f"{running}/plain/get_parameters", request).values
    assert [value.double_value for value in values] == [1.5, 2.0]


def test_a_whole_number_is_taken_for_a_float_at_run_time_too(peer: Peer, running: str) -> None:
    result = peer.set(running, "limit", 2)
    assert result.successful, result.reason
    assert "Wrong parameter type" in peer.set(running, "count", 2.0).reason


def test_an_empty_list_has_the_type_of_its_parameter(peer: Peer, running: str) -> None:
    request = DescribeParameters.Request(names=["names"])
    found = peer.ask(DescribeParameters, f"{running}/plain/describe_parameters", request)
    assert found.descriptors[0].type == Parameter.Type.STRING_ARRAY.value
    assert found.descriptors[0].description == "names of things"
    assert peer.set(running, "names", ["a", "b"]).successful


# Lifecycle.


def test_a_node_that_is_not_active_publishes_nothing_and_rejects_goals(peer: Peer) -> None:
    namespace = fresh_namespace()
    heard = peer.hear(topics.REWARD.type, f"{namespace}/reward", topics.REWARD.qos)
    with CellProcess(PLAIN, namespace, autostart=False) as process:
        for _ in range(2):
            assert peer.change(namespace, Transition.TRANSITION_CONFIGURE)
            heard.clear()
            time.sleep(0.3)
            assert not heard
            assert not peer.goal(namespace, timeout=0.1).accepted
            assert peer.change(namespace, Transition.TRANSITION_ACTIVATE)
            assert until(lambda: heard)
            assert peer.goal(namespace, timeout=0.1).accepted
            assert peer.change(namespace, Transition.TRANSITION_DEACTIVATE)
            time.sleep(0.2)
            heard.clear()
            time.sleep(0.3)
            assert not heard
            assert peer.change(namespace, Transition.TRANSITION_CLEANUP)
            assert until(lambda: not peer.node.count_publishers(f"{namespace}/reward")) is True
        assert not peer.change(namespace, Transition.TRANSITION_ACTIVATE)
        assert process.end(signal.SIGTERM) == 0


def test_a_node_begins_nothing_anew_beside_a_worker_that_does_not_end(peer: Peer) -> None:
    namespace = fresh_namespace()
    with CellProcess(PLAIN, namespace, late=9.0) as process:
        assert peer.change(namespace, Transition.TRANSITION_DEACTIVATE)
        assert not peer.change(namespace, Transition.TRANSITION_ACTIVATE)
        assert "worker late of the last activation has not ended; try again" in process.output
        time.sleep(9.0)
        assert peer.change(namespace, Transition.TRANSITION_ACTIVATE), process.output
        assert process.end(signal.SIGTERM) == 0


def test_what_cannot_be_configured_says_why_and_ends_with_status_1() -> None:
    with CellProcess(PLAIN, fresh_namespace(), file="/no/such/file") as process:
        assert process.process.wait(60.0) == 1
        assert "configure failed: FileNotFoundError" in process.output
        assert "/no/such/file" in process.output


@pytest.mark.real_time
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("autostart", [True, False])
def test_signals_end_a_node_cleanly(peer: Peer, number: signal.Signals, autostart: bool) -> None:
    namespace = fresh_namespace()
    with CellProcess(PLAIN, namespace, autostart=autostart) as process:
        if autostart:  # in the middle of a goal
            assert peer.goal(namespace, timeout=60.0).accepted
        else:
            assert process.says("waits for a lifecycle manager")
        begin = time.monotonic()
        assert process.end(number) == 0
        assert time.monotonic() - begin < 5.0
        assert "terminate called" not in process.output and "Traceback" not in process.output


def test_a_node_can_end_itself_with_a_status(peer: Peer) -> None:
    namespace = fresh_namespace()
    actions = peer.node.create_publisher(Action, f"{namespace}/action", topics.ACTION.qos)
    with CellProcess(PLAIN, namespace) as process:
        actions.publish(Action(step=99))
        assert process.process.wait(60.0) == 7
    peer.node.destroy_publisher(actions)


# Goals.


def test_a_goal_gives_feedback_and_a_result(peer: Peer, running: str) -> None:
    feedback: list[Any] = []
    done = peer.goal(running, feedback, timeout=0.3).get_result_async()
    assert until(done.done)
    assert done.result().result.message == "there"
    assert done.result().status == GoalStatus.STATUS_SUCCEEDED and len(feedback) >= 5


def test_a_goal_can_be_cancelled(peer: Peer, running: str) -> None:
    handle = peer.goal(running, timeout=60.0)
    done = handle.get_result_async()
    handle.cancel_goal_async()
    assert until(done.done) and done.result().status == GoalStatus.STATUS_CANCELED


def test_a_newer_goal_replaces_the_running_one(peer: Peer, running: str) -> None:
    old = peer.goal(running, timeout=60.0).get_result_async()
    new = peer.goal(running, timeout=0.1).get_result_async()
    assert until(lambda: old.done() and new.done())
    assert old.result().status == GoalStatus.STATUS_ABORTED
    assert new.result().status == GoalStatus.STATUS_SUCCEEDED


def test_a_goal_that_raises_is_aborted_with_the_reason(peer: Peer, running: str) -> None:
    done = peer.goal(running, movement="fault").get_result_async()
    assert until(done.done) and done.result().status == GoalStatus.STATUS_ABORTED
    assert done.result().result.message == "RuntimeError: the joint is stuck"
    assert not peer.goal(running, movement="unknown").accepted


# Diagnostics and peers.


def test_diagnostics_tell_level_rates_thresholds_and_who_is_missed(
    peer: Peer, running: str
) -> None:
    heard = peer.hear(DiagnosticArray, "/diagnostics")
    plotted = peer.hear(Float64, f"{running}/plain/statistics/rewards_hz")

    def mine() -> list[DiagnosticStatus]:
        return [s for m in heard for s in m.status if s.hardware_id == f"{running}/plain"]

    assert until(lambda: len(mine()) >= 3)
    status = mine()[-1]
    assert status.name == f"{running[1:]}/plain: PlainNode"
    values = {item.key: item.value for item in status.values}
    assert values["state"] == "active" and float(values["rewards [Hz]"]) > 0.0
    assert values["rewards thresholds"] == "warn below 5, error below 1"
    assert f"nobody publishes {running}/action (usually the agent)" in values["waiting for"]
    assert status.level == DiagnosticStatus.ERROR and "action" in status.message
    assert until(lambda: plotted) and plotted[-1].data > 10.0


def test_a_peer_is_missed_once_and_greeted_once(peer: Peer) -> None:
    namespace = fresh_namespace()
    with CellProcess(PLAIN, namespace) as process:
        missed = f"waits: nobody publishes {namespace}/action"
        assert process.says(missed)
        assert process.output.count(missed) == 1
        actions = peer.node.create_publisher(Action, f"{namespace}/action", topics.ACTION.qos)
        assert process.says(f"/peer publishes {namespace}/action after"), process.output
        assert "UNKNOWN" not in process.output
        peer.node.destroy_publisher(actions)
        assert until(lambda: process.output.count(missed) == 2), process.output
        assert "/peer did" in process.output
        time.sleep(1.0)
        assert process.output.count("waits: ") == 2
        assert process.output.count("continues: ") == 1


def test_a_peer_killed_by_force_is_missed_in_seconds(peer: Peer) -> None:
    namespace = fresh_namespace()
    with CellProcess("grey_bridge.py", namespace) as bridge:
        assert until(lambda: peer.node.count_publishers(f"{namespace}/observation"))
        bridge.process.kill()
        begin = time.monotonic()
        assert until(lambda: not peer.node.count_publishers(f"{namespace}/observation")) is True
        assert time.monotonic() - begin < 9.0  # its DDS lease is 3 s; without it, 10 s or more
