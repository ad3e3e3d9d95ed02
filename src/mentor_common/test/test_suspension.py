"""A suspended node asks its peers whether they receive it, and restarts if one does not answer."""

from __future__ import annotations

import signal
import time

from cell_process import CellProcess, fresh_namespace
from fake_peer import FakePeer
from lifecycle_msgs.srv import GetState

from mentor_common.node.claims import Claims
from mentor_common.node.suspension import LONGER_PATIENCE, PATIENCE, RECOUNT, SUSPENDED, Suspension

STACKER = {"key": "/stacker"}


def begun(output: str) -> int:
    """Return how often a node has begun to wait; a long wait is a warning besides."""
    lines = output.splitlines()
    return sum("nobody publishes" in line and line.startswith("[INFO]") for line in lines)


class FakeClaims:
    """Claims of a cell, as a test sets them."""

    def __init__(self) -> None:
        self.there = dict(STACKER)
        self.asked = 0
        self.answers: set[str] = set()
        self.others_ask = False

    def newly_asked(self) -> bool:
        asked, self.others_ask = self.others_ask, False
        return asked

    def nodes(self) -> dict[str, str]:
        return self.there

    def ask(self) -> None:
        self.asked += 1

    def answer(self) -> None:
        pass

    def answered(self, key: str, holder: str) -> bool:
        return key in self.answers


class Watched:
    """A node's watch over itself, on a clock of the test's."""

    def __init__(self) -> None:
        self.claims, self.now = FakeClaims(), 0.0
        self.watch = Suspension(self.claims, lambda: self.now)  # type: ignore[arg-type]
        assert not self.run(RECOUNT)

    def run(self, seconds: float) -> list[str]:
        until = self.now + seconds
        while self.now < until:
            self.now += 0.5
            if silent := self.watch.poll():
                return silent
        return []


def test_who_never_suspended_asks_nobody() -> None:
    watched = Watched()
    assert not watched.run(100.0) and not watched.claims.asked


def test_a_peer_that_does_not_answer_is_named_once() -> None:
    watched = Watched()
    watched.now += SUSPENDED
    watched.claims.there = {}  # this process no longer sees it
    assert not watched.run(PATIENCE) and watched.claims.asked == 1
    assert watched.run(1.0) == ["/stacker"]
    assert not watched.run(100.0)


def test_who_is_answered_goes_on() -> None:
    watched = Watched()
    watched.now += SUSPENDED
    assert not watched.run(PATIENCE - 1.0)
    watched.claims.answers.add("key")
    assert not watched.run(100.0) and watched.claims.asked == 1


def test_who_is_asked_asks_in_turn_and_finds_who_does_not_receive_it() -> None:
    watched = Watched()
    watched.claims.others_ask = True
    assert not watched.run(LONGER_PATIENCE) and watched.claims.asked == 1
    assert watched.run(1.0) == ["/stacker"]


def test_one_question_of_another_makes_one_and_not_a_flood() -> None:
    watched = Watched()
    for _ in range(20):
        watched.claims.others_ask = True
        watched.run(0.5)
        watched.claims.answers.add("key")
    assert watched.claims.asked == 1


def test_who_has_ended_since_another_was_suspended_need_not_answer() -> None:
    watched = Watched()
    watched.claims.others_ask = True
    watched.run(1.0)
    watched.claims.there = {}
    assert not watched.run(100.0)


def test_nodes_that_receive_each_other_answer() -> None:
    namespace = fresh_namespace()
    peers = [FakePeer("one", namespace), FakePeer("other", namespace)]
    one, other = claims = [Claims(peer.node) for peer in peers]
    try:
        for peer, claim in zip(peers, claims, strict=True):
            claim.announce(peer.node.get_name(), [], active=True, state="active")
        until = time.monotonic() + 60.0
        while not (one.nodes() and other.nodes()) and time.monotonic() < until:
            time.sleep(0.05)
        ((key, name),) = one.nodes().items()
        one.ask()
        assert name == "other" and not one.answered(key, name) and not other.newly_asked()
        while not one.answered(key, name) and time.monotonic() < until:
            other.answer()
            one.answer()
            time.sleep(0.05)
        assert one.answered(key, name) and other.newly_asked() and not other.newly_asked()
    finally:
        for peer in peers:
            peer.node.destroy_node()
            peer.context.try_shutdown()


def test_a_node_whose_peer_does_not_answer_after_a_freeze_begins_anew_and_works() -> None:
    namespace = fresh_namespace()
    mute = FakePeer("mute", namespace)
    claims = Claims(mute.node)
    claims.announce(f"{namespace}/mute", [], active=True, state="active")
    client = mute.node.create_client(GetState, "plain/get_state")
    mute.begin()
    try:
        with CellProcess("plain_node.py", namespace) as node:
            assert node.says("nobody publishes"), node.output
            time.sleep(RECOUNT + 1.0)  # it has counted its peers by then
            node.process.send_signal(signal.SIGSTOP)
            time.sleep(3.5)
            node.process.send_signal(signal.SIGCONT)
            thawed = time.monotonic()
            assert node.says("/mute did not answer since a node was suspended"), node.output
            assert mute.wait(lambda: begun(node.output) > 1, 60.0), node.output
            assert time.monotonic() - thawed < 15.0
            assert client.wait_for_service(60.0)
            assert node.end(signal.SIGINT) == 0
    finally:
        mute.close()
