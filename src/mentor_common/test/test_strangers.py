"""What a stranger on the network sends ends no node, and keeps nobody from its work."""

from __future__ import annotations

import secrets
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from asking import answer
from builtin_interfaces.msg import Time
from cell_process import CellProcess, fresh_namespace
from fake_peer import FakePeer
from garbage import HEADER, send_garbage
from lifecycle_msgs.srv import GetState
from raw_sender import RawSender
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from unique_identifier_msgs.msg import UUID

from mentor_common.env.ros_env import RosEnv
from mentor_common.node.claim import Claim
from mentor_common.node.goal_senders import FLOOD, GoalSenders, goal_id
from mentor_msgs.action import MoveTo, ResetEpisode
from mentor_msgs.msg import Action

STILL = np.zeros(2, np.float32)
HOLDER = Claim("/policy", frozenset({"/action"}), active=True)


@pytest.fixture
def cell() -> Iterator[CellProcess]:
    """A bridge to act in."""
    with CellProcess("grey_bridge.py", fresh_namespace(), diagnostics_period=0.2) as process:
        yield process


@pytest.fixture
def rogue() -> Iterator[FakePeer]:
    peer = FakePeer("rogue")
    yield peer
    peer.close()


def name_of(process: CellProcess) -> str:
    return process.process.args[4].removeprefix("__ns:=")  # type: ignore[index,union-attr]


def is_answered(rogue: FakePeer, node: str) -> bool:
    """Return whether the node still answers a service."""
    client = rogue.node.create_client(GetState, f"{node}/get_state")
    assert client.wait_for_service(60.0)
    asked = lambda future, seconds: rogue.wait(future.done, seconds)  # noqa: E731
    return bool(answer(lambda: client.call_async(GetState.Request()), asked))


def dropped_requests(text: str) -> list[str]:
    return [line for line in text.splitlines() if "dropped a request" in line]


def parameter_sender(cell: CellProcess, rogue: FakePeer) -> tuple[RawSender, str]:
    """Return what sends raw bytes to a node's `set_parameters`, and the node's name."""
    rogue.begin()
    node = f"{name_of(cell)}/bridge"
    sender = RawSender(rogue.node, f"rq{node}/set_parametersRequest", SetParameters.Request)
    assert rogue.wait(lambda: sender.receivers > 0, 60.0)
    return sender, node


def test_a_parameter_of_a_type_that_does_not_exist_ends_no_node(
    cell: CellProcess, rogue: FakePeer
) -> None:
    sender, node = parameter_sender(cell, rogue)
    absurd = Parameter(name="max_steps", value=ParameterValue(type=99))
    for _ in range(50):
        sender.send(serialize_message(SetParameters.Request(parameters=[absurd])))
    assert cell.says("set_parameters: ValueError: 99 is not a valid Parameter.Type")
    assert is_answered(rogue, node)
    sender.close()


def test_a_negative_time_ends_no_node(rogue: FakePeer) -> None:
    rogue.begin()
    clock = rogue.node.create_publisher(Clock, "/clock", 10)
    with CellProcess("plain_node.py", fresh_namespace(), use_sim_time=True) as timed:
        assert rogue.wait(lambda: clock.get_subscription_count() > 0, 60.0)
        for _ in range(20):  # /clock is best effort, and the node may not have matched yet
            clock.publish(Clock(clock=Time(sec=-1)))
            time.sleep(0.1)
        assert timed.says("a message on /clock: ValueError: Seconds value must not be negative")
        assert is_answered(rogue, f"{name_of(timed)}/plain")


def peak_memory(process: CellProcess) -> int:
    """Return the most memory that a process has had, kB."""
    return int(
        Path(f"/proc/{process.process.pid}/status").read_text().split("VmHWM:")[1].split()[0]
    )


def test_a_request_that_announces_more_than_it_holds_is_not_read_on_behind_its_end(
    cell: CellProcess, rogue: FakePeer
) -> None:
    """What lies in memory there would be read as parameters, texts and sequences, for seconds."""
    sender, node = parameter_sender(cell, rogue)
    assert is_answered(rogue, node)
    before = peak_memory(cell)
    for parameters in (2**16, 2**17):  # whose memory is permitted
        sender.send(HEADER + parameters.to_bytes(4, "little"))
    assert is_answered(rogue, node)
    assert peak_memory(cell) - before < 50_000
    sender.close()


def test_requests_that_announce_billions_of_elements_take_no_memory(
    cell: CellProcess, rogue: FakePeer
) -> None:
    """Not even while others keep the node's other threads at work."""
    rogue.begin()
    node = f"{name_of(cell)}/bridge"
    kinds = {"describe": DescribeParameters, "set": SetParameters}
    senders = [
        RawSender(rogue.node, f"rq{node}/{name}_parametersRequest", kind.Request)
        for name, kind in kinds.items()
    ]
    senders.append(RawSender(rogue.node, f"rt{name_of(cell)}/action", Action))
    assert rogue.wait(lambda: all(sender.receivers for sender in senders), 60.0)
    action = serialize_message(Action(episode=1, data=[0.0] * 10_000))
    value = ParameterValue(byte_array_value=[b"x"] * 0x4D)
    octets = serialize_message(SetParameters.Request(parameters=[Parameter(value=value)]))
    for elements in (2**20, 2**22, 2**25, 2**27, 2**29, 2**31, 2**32 - 1) * 5:
        for sender in senders[:2]:
            sender.send(HEADER + elements.to_bytes(4, "little") + b"\1\0\0\0")
        senders[1].send(octets.replace(b"\x4d\0\0\0", elements.to_bytes(4, "little")))
        for _ in range(10):
            senders[2].send(action)
        time.sleep(0.02)
    assert is_answered(rogue, node)
    for sender in senders:
        sender.close()
    # The actions of the flood take some hundred thousand; one sequence believed takes more.
    assert peak_memory(cell) < 900_000


@pytest.mark.parametrize(
    "count", [30, pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
def test_garbage_on_all_that_a_node_receives_leaves_it_at_work(
    cell: CellProcess, rogue: FakePeer, count: int
) -> None:
    rogue.begin()
    node = f"{name_of(cell)}/bridge"
    assert is_answered(rogue, node)
    assert send_garbage(rogue.node, node, count) > 15 * count
    assert is_answered(rogue, node)
    assert cell.process.poll() is None
    assert cell.says("dropped a request")
    assert "This error state is being overwritten" not in cell.output


def test_what_cannot_be_read_of_one_action_at_once_is_dropped_without_eleven_lines(
    cell: CellProcess, rogue: FakePeer
) -> None:
    rogue.begin()
    action, impl = f"rq{name_of(cell)}/reset_episode/_action", ResetEpisode.Impl
    senders = [
        RawSender(rogue.node, f"{action}/send_goalRequest", impl.SendGoalService.Request),
        RawSender(rogue.node, f"{action}/get_resultRequest", impl.GetResultService.Request),
    ]
    assert rogue.wait(lambda: all(sender.receivers for sender in senders), 60.0)
    for _ in range(3):
        cell.process.send_signal(signal.SIGSTOP)  # so that both are there when it looks
        for sender in senders:
            sender.send(HEADER)
        time.sleep(0.1)
        cell.process.send_signal(signal.SIGCONT)
        assert is_answered(rogue, f"{name_of(cell)}/bridge")
    for sender in senders:
        sender.close()
    assert "This error state is being overwritten" not in cell.output


def test_cut_messages_are_counted_and_named_and_the_client_library_prints_nothing(
    cell: CellProcess, rogue: FakePeer
) -> None:
    rogue.begin()
    node = f"{name_of(cell)}/bridge"
    whole = serialize_message(DescribeParameters.Request(names=["abcdefgh"] * 5))
    sender = RawSender(
        rogue.node, f"rq{node}/describe_parametersRequest", DescribeParameters.Request
    )
    assert rogue.wait(lambda: sender.receivers > 0, 60.0)
    for length in range(5, len(whole) - 4):  # within the sequence's length, and within its texts
        sender.send(whole[:length])
    assert is_answered(rogue, node)
    sender.close()
    assert any(
        "describe_parameters: what was sent cannot be read" in line
        for line in dropped_requests(cell.output)
    )
    assert "sequence size exceeds remaining buffer" not in cell.output


def test_a_flood_of_resets_does_not_stop_the_agent_that_holds_the_cell(
    cell: CellProcess, rogue: FakePeer
) -> None:
    rogue.begin()
    namespace, over, begun = name_of(cell), threading.Event(), time.monotonic()
    kind = ResetEpisode.Impl.SendGoalService.Request
    sender = RawSender(rogue.node, f"rq{namespace}/reset_episode/_action/send_goalRequest", kind)
    assert rogue.wait(lambda: sender.receivers > 0, 60.0)

    def flood() -> None:
        while not over.wait(0.005):
            for _ in range(10):
                request = kind(goal_id=UUID(uuid=list(secrets.token_bytes(16))))
                sender.send(serialize_message(request))

    env = RosEnv(namespace, timeout=60.0, reset_timeout=60.0)
    env.reset()
    thread = threading.Thread(target=flood)
    thread.start()
    try:
        assert cell.says("/reset_episode: too many goals in a second")
        for _ in range(3):
            env.reset()
            steps = [env.step(STILL) for _ in range(20)]
            assert steps[-1][3], "the episode was cut"
    finally:
        over.set()
        thread.join()
        sender.close()
        env.close()
    lines = dropped_requests(cell.output)
    assert lines and len(lines) <= 1 + time.monotonic() - begun  # once a second at most


def test_a_flood_of_moves_is_named_once_a_second_and_stops_no_service(rogue: FakePeer) -> None:
    """As of every action: those of the arm have no holder where nobody resets the cell."""
    rogue.begin()
    namespace, begun = fresh_namespace(), time.monotonic()
    kind = MoveTo.Impl.SendGoalService.Request
    with CellProcess("plain_node.py", namespace) as arm:
        topic = f"rq{namespace}/move_to/_action/send_goalRequest"
        sender = RawSender(rogue.node, topic, kind)
        assert rogue.wait(lambda: sender.receivers > 0, 60.0)
        for _ in range(200):
            for _ in range(20):
                request = kind(goal_id=UUID(uuid=list(secrets.token_bytes(16))))
                sender.send(serialize_message(request))
            time.sleep(0.005)
        assert arm.says("/move_to: too many goals in a second")
        assert is_answered(rogue, f"{namespace}/plain")
        sender.close()
        lines = dropped_requests(arm.output)
        assert lines and len(lines) <= 1 + time.monotonic() - begun


class FakeClaims:
    """Claims of a cell, as a test sets them."""

    def __init__(self, *claims: Claim) -> None:
        self.claims = claims

    def is_holder(self, name: str, key: str) -> bool:
        return any(name in claim.names and claim.key == key for claim in self.claims)

    def living_holder_of(self, name: str) -> str:
        return ", ".join(claim.holder for claim in self.claims if name in claim.names)


def id_of(claim: Claim | None) -> bytes:
    return bytes(goal_id(claim.key if claim else None).uuid)


def test_goals_of_others_are_let_through_again_once_their_flood_is_over() -> None:
    now = [0.0]
    senders = GoalSenders(FakeClaims(HOLDER), "/action", False, lambda: now[0])  # type: ignore[arg-type]
    passed = 0
    for _ in range(1000):
        now[0] += 0.001
        passed += senders.lets_through(id_of(None))
        assert senders.lets_through(id_of(HOLDER))
    assert passed == FLOOD
    now[0] += 1.0
    assert senders.lets_through(id_of(None))


def test_who_does_not_hold_the_cell_is_refused_by_the_name_of_who_does() -> None:
    held = GoalSenders(FakeClaims(HOLDER), "/action", True)  # type: ignore[arg-type]
    assert "/policy" in held.refusal(id_of(None)) and not held.refusal(id_of(HOLDER))
    assert not GoalSenders(FakeClaims(), "/action", True).refusal(id_of(None))  # type: ignore[arg-type]
    assert not GoalSenders(FakeClaims(HOLDER), "/action", False).refusal(id_of(None))  # type: ignore[arg-type]
