"""Two cells in one domain: who was there first goes on, who comes second is refused by name."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from cell_process import CellProcess, fresh_namespace
from fake_peer import FakePeer
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from std_msgs.msg import String

from mentor_common.env.ros_env import CellHeldError, EnvironmentLost, RosEnv
from mentor_common.messages import topics
from mentor_common.messages.cdr import write_action
from mentor_common.messages.qos import transient_local
from mentor_common.node.claim import Claim, claim_from_json, held_text
from mentor_common.node.claims import SETTLED, TOPIC, Claims

BRIDGE = "grey_bridge.py"
STILL = np.zeros(2, np.float32)
FIRST = Claim("/stacker", frozenset({"/observation", "the name /stacker"}), True, 20, "a")


@pytest.fixture(scope="module")
def cell() -> Iterator[tuple[str, CellProcess]]:
    namespace = fresh_namespace()
    with CellProcess(BRIDGE, namespace) as bridge:
        yield namespace, bridge


@pytest.fixture(scope="module")
def agent(cell: tuple[str, CellProcess]) -> Iterator[RosEnv]:
    env = RosEnv(cell[0], timeout=30.0, reset_timeout=60.0)
    yield env
    env.close()


def test_who_holds_wins_and_of_two_that_begin_the_one_that_was_first() -> None:
    newcomer = replace(FIRST, active=False, began=1, key="b")
    assert FIRST.wins_over(newcomer) and not newcomer.wins_over(FIRST)
    waiting = replace(FIRST, active=False)
    assert newcomer.wins_over(waiting) and not waiting.wins_over(newcomer)
    assert not FIRST.wins_over(replace(newcomer, names=frozenset({"/cell_b/observation"})))
    assert not FIRST.wins_over(replace(FIRST, active=False)), "its own claim"


def test_several_threads_may_ask_who_holds_what_while_claims_come_and_go() -> None:
    peer, failed, over = FakePeer("asker", fresh_namespace()), [], threading.Event()
    claims, interval = Claims(peer.node), sys.getswitchinterval()
    publishers = [peer.node.create_publisher(String, TOPIC, transient_local(1)) for _ in range(16)]
    peer.begin()

    def ask() -> None:
        try:
            while not over.is_set():
                claims.nodes()
                claims.inactive()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for number in range(8000):
            key = str(number)
            claim = Claim(f"/n{key}", frozenset({"/topic"}), number % 3 > 0, 1, key, state="s")
            publishers[number % len(publishers)].publish(String(data=claim.to_json()))
        assert peer.wait(lambda: bool(claims.nodes()) or bool(failed), 20.0)
    finally:
        over.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
        peer.close()
    assert not failed


def test_a_claim_survives_the_wire_and_anything_else_is_refused() -> None:
    assert claim_from_json(FIRST.to_json()) == FIRST
    for text in (
        "",
        "[]",
        "{}",
        '{"names": [1]}',
        FIRST.to_json().replace("20", "0.5"),
        "[" * 9999,
    ):
        with pytest.raises(ValueError):
            claim_from_json(text)


def test_a_refusal_names_who_holds_what_and_the_way_out() -> None:
    text = held_text(replace(FIRST, holder="/bridge"), FIRST)
    assert text.startswith("/bridge is refused: /stacker (process ") and "/observation" in text
    assert "namespace:=" in text and "ROS_DOMAIN_ID" in text


@pytest.mark.parametrize("name", ["bridge", "other_bridge"])
def test_a_second_environment_ends_with_who_holds_the_cell(
    cell: tuple[str, CellProcess], agent: RosEnv, name: str
) -> None:
    """With the same name, or another one that publishes the same topics."""
    agent.reset(seed=1)
    with CellProcess(BRIDGE, cell[0], "-r", f"__node:={name}") as second:
        assert second.process.wait(60.0) == 1
        assert "/bridge (process" in second.output, second.output
        held = "the name " + f"{cell[0]}/bridge" if name == "bridge" else f"{cell[0]}/observation"
        assert " holds " in second.output and held in second.output
        assert "namespace:=" in second.output and "ROS_DOMAIN_ID" in second.output
    agent.step(STILL)
    assert cell[1].process.poll() is None


def test_an_action_of_somebody_who_does_not_hold_the_cell_moves_nothing(
    cell: tuple[str, CellProcess], agent: RosEnv
) -> None:
    stranger = FakePeer("stranger", cell[0])
    topic = topics.ACTION
    publisher = stranger.node.create_publisher(topic.type, topic.name, topic.qos)
    stranger.begin()
    try:
        assert stranger.wait(lambda: publisher.get_subscription_count() > 0, 60.0)
        agent.reset(seed=5)
        assert agent.episode is not None
        publisher.publish(write_action(STILL + 1.0, agent.episode, 0, 0, "", 0, None))
        assert cell[1].says("a RosEnv (process"), cell[1].output
        after = agent.step(STILL)[0]
        agent.reset(seed=5)
        assert np.array_equal(agent.step(STILL)[0], after)
    finally:
        stranger.close()


class Forger(FakePeer):
    """A stranger that announces claims which it has no right to."""

    def __init__(self, namespace: str) -> None:
        super().__init__("forger", namespace)
        self._claims = self.node.create_publisher(String, TOPIC, transient_local(1))
        topic = topics.ACTION
        self.actions = self.node.create_publisher(topic.type, topic.name, topic.qos)
        self.begin()
        assert self.wait(lambda: self.actions.get_subscription_count() > 0, 60.0)

    def announce(self, claim: Claim) -> None:
        self._claims.publish(String(data=claim.to_json()))


@pytest.fixture
def forger(cell: tuple[str, CellProcess], agent: RosEnv) -> Iterator[Forger]:
    """Comes when the others have been there for long."""
    forger = Forger(cell[0])
    agent.reset(seed=5)
    mine = agent._link._claims.mine
    assert mine is not None
    assert forger.wait(lambda: time.time_ns() - mine.began > 1e9 * (SETTLED + 1.0), 60.0)
    yield forger
    forger.close()


@pytest.mark.parametrize("whose", ["its own", "the agent's"])
def test_a_forged_claim_moves_nothing_and_keeps_nobody_from_acting(
    cell: tuple[str, CellProcess], agent: RosEnv, forger: Forger, whose: str
) -> None:
    """With a key of its own, or with the agent's, which everybody reads."""
    agent.reset(seed=5)
    mine = agent._link._claims.mine
    assert mine is not None and agent.episode is not None
    forged = replace(mine, holder="forger", began=1)
    forger.announce(forged if whose == "the agent's" else replace(forged, key="f" * 16))
    time.sleep(0.5)  # it has come by then, and would change something
    for _ in range(3):
        forger.actions.publish(write_action(STILL + 1.0, agent.episode, 0, 0, "", 0, None))
    after = agent.step(STILL)[0]
    agent.reset(seed=5)
    assert np.array_equal(agent.step(STILL)[0], after)


def test_who_claims_to_have_been_there_first_ends_no_node_that_has_been_there_for_long(
    cell: tuple[str, CellProcess], agent: RosEnv, forger: Forger
) -> None:
    namespace, bridge = cell
    names = frozenset({f"{namespace}/observation", f"the name {namespace}/bridge"})
    forger.announce(Claim("forger", names, True, began=1, state="active"))
    assert bridge.says("which this node has held for longer: it continues"), bridge.output
    agent.reset(seed=5)
    agent.step(STILL)
    assert bridge.process.poll() is None


def test_a_second_node_of_its_name_does_not_make_a_node_inactive(
    cell: tuple[str, CellProcess], agent: RosEnv, forger: Forger
) -> None:
    bridge = f"{cell[0]}/bridge"
    second = Claim(bridge, frozenset({f"the name {bridge}"}), state="inactive", needed=True)
    forger.announce(second)
    claims = agent._link._claims
    until = time.monotonic() + 30.0
    while second.key not in claims._others and time.monotonic() < until:
        claims.poll()
        time.sleep(0.02)
    assert second.key in claims._others and claims.inactive() == []


def test_a_node_that_is_not_active_is_named_and_nobody_else_blamed(
    cell: tuple[str, CellProcess], agent: RosEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = FakePeer("manager", cell[0])
    client = manager.node.create_client(ChangeState, "bridge/change_state")
    manager.begin()

    def change(transition: int) -> None:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert client.wait_for_service(60.0)
        done = client.call_async(request)
        assert manager.wait(done.done, 60.0) and done.result().success

    bridge = f"{cell[0]}/bridge"
    try:
        agent.reset(seed=6)
        change(Transition.TRANSITION_DEACTIVATE)
        monkeypatch.setattr(agent, "timeout", 1.0)
        with pytest.raises(EnvironmentLost, match=rf"in time: {bridge} is inactive$"):
            agent.step(STILL)
        monkeypatch.setattr(agent, "reset_timeout", 1.0)
        with pytest.raises(EnvironmentLost, match=f"{bridge} is inactive"):
            agent.reset()
        change(Transition.TRANSITION_CLEANUP)
        with pytest.raises(EnvironmentLost, match=f"{bridge} is unconfigured"):
            agent.reset()
        change(Transition.TRANSITION_CONFIGURE)
        change(Transition.TRANSITION_ACTIVATE)
        monkeypatch.undo()
        agent.reset(seed=6)
        agent.step(STILL)
    finally:
        manager.close()


def test_an_environment_that_was_refused_acts_when_the_cell_is_free() -> None:
    namespace = fresh_namespace()
    with contextlib.ExitStack() as stack:
        stack.enter_context(CellProcess(BRIDGE, namespace))
        first = RosEnv(namespace, timeout=30.0, reset_timeout=60.0)
        stack.callback(first.close)
        first.reset(seed=7)
        other = gymnasium.make("mentor/ros-v0", namespace=namespace, reset_timeout=60.0)
        stack.callback(other.close)
        with pytest.raises(CellHeldError, match="holds"):
            other.reset()
        first.close()
        other.reset(seed=8)
        other.step(STILL)
