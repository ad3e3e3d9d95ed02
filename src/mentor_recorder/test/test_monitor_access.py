"""Who may watch, and what the protocol looks like on the wire."""

from __future__ import annotations

import json
import socket
import struct
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from mentor_recorder.monitor import protocol
from mentor_recorder.monitor.access import Access
from mentor_recorder.monitor.cell_view import CellView
from mentor_recorder.monitor.server import MonitorServer
from mentor_recorder.nodes.monitor_node import SERVICES, MonitorNode

SPOKEN = [Subprotocol(name) for name in protocol.SUBPROTOCOLS]


def test_on_loopback_no_token_is_asked_for() -> None:
    access = Access("127.0.0.1")
    assert access.token == ""
    assert access.refusal("/", "127.0.0.1:8765", "") is None
    assert access.refusal("/", "localhost:8765", "http://localhost:8765") is None
    assert access.refusal("/", "[::1]:8765", "") is None


def test_elsewhere_a_token_is_asked_for() -> None:
    access = Access("0.0.0.0")
    host = "192.168.1.7:8765"
    assert len(access.token) >= 16
    assert "token" in (access.refusal("/", host, "") or "")
    assert "token" in (access.refusal("/?token=guess", host, "") or "")
    assert access.refusal(f"/?token={access.token}", host, "") is None
    assert access.refusal("/page.js", host, "", f"a=b; mentor_token={access.token}") is None


def served(host: str, token: str = "") -> MonitorServer:
    return MonitorServer(
        host, 0, Access(host, token), lambda path: (200, "text/plain", path.encode()),
        lambda channels: None, lambda name: (False, name),
    )  # fmt: skip


def test_unless_told_otherwise_it_is_bound_to_loopback_alone() -> None:
    host = next(p.default for p in MonitorNode.PARAMETERS if p.name == "host")
    server = served(host)
    try:
        assert urlopen(f"http://127.0.0.1:{server.port}/page", timeout=30).read() == b"/page"
        with pytest.raises(ConnectionRefusedError):  # another address of this machine
            socket.create_connection(("127.0.0.2", server.port), timeout=30).close()
    finally:
        server.close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", ""])
def test_a_request_for_another_host_is_refused(host: str) -> None:
    server = served("127.0.0.1")
    request = Request(f"http://127.0.0.1:{server.port}/page")
    request.add_unredirected_header("Host", host)
    try:
        with pytest.raises(HTTPError, match="403"):
            urlopen(request, timeout=30)
        with pytest.raises(InvalidStatus, match="403"):
            connect_as(host, server.port)
    finally:
        server.close()


def connect_as(host: str, port: int) -> None:
    """Connect a viewer that names another host, as a page does to whose name this machine is."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp:
        connect(f"ws://{host or 'evil'}/", sock=tcp, subprotocols=SPOKEN).close()


def test_on_every_address_nothing_is_answered_without_the_token() -> None:
    server = served("0.0.0.0", "secret")
    address = f"127.0.0.2:{server.port}"
    try:
        for path in ("/", "/step?token=guess"):
            with pytest.raises(HTTPError) as refused:
                urlopen(f"http://{address}{path}", timeout=30)
            assert refused.value.code == 403
        with pytest.raises(InvalidStatus, match="403"):
            connect(f"ws://{address}/", subprotocols=SPOKEN).close()
        assert urlopen(f"http://{address}/page?token=secret", timeout=30).status == 200
        with connect(f"ws://{address}/?token=secret", subprotocols=SPOKEN) as viewer:
            assert json.loads(viewer.recv(30))["op"] == "serverInfo"
    finally:
        server.close()


def test_a_page_from_elsewhere_reads_nothing() -> None:
    access = Access("127.0.0.1")
    assert "may not read" in (access.refusal("/", "127.0.0.1:1", "https://evil.example") or "")
    # A name that somebody points to this machine makes their page look like ours.
    assert "no address" in (access.refusal("/", "evil.example:1", "http://evil.example:1") or "")
    assert access.refusal("/", "127.0.0.1:1", "null"), "a sandboxed frame of any page"
    assert access.refusal("/", "127.0.0.1:1", "file://") is None, "a desktop program"


def test_no_button_moves_the_arm() -> None:
    assert set(SERVICES) == {"pause", "resume", "stop_after_episode", "evaluate_now", "keep"}
    assert all(name.split("/")[0] in ("policy", "recorder") for name in SERVICES.values())


def test_messages_are_laid_out_as_foxglove_has_them() -> None:
    data = protocol.message_data(7, 1_000_000_001, b"payload")
    assert data == struct.pack("<BIQ", 1, 7, 1_000_000_001) + b"payload"
    call = protocol.read_call(struct.pack("<BIII4s", 2, 3, 9, 4, b"json") + b"{}")
    assert (call.service, call.call, call.encoding, call.payload) == (3, 9, "json", b"{}")
    assert protocol.call_answer(call, b"{}") == struct.pack("<BIII4s", 3, 3, 9, 4, b"json") + b"{}"
    assert json.loads(protocol.call_failure(call, "why"))["callId"] == 9
    subscribe = '{"op": "subscribe", "subscriptions": [{"id": 1, "channelId": 4}]}'
    assert protocol.read_subscriptions(subscribe) == ([(1, 4)], [])
    wrong = ('-1, "channelId": 4', '4294967296, "channelId": 4', 'Infinity, "channelId": 4')
    for bad in (
        "[]", "{", '{"op": "subscribe"}', "[" * 60_000,
        *(f'{{"op": "subscribe", "subscriptions": [{{"id": {ids}}}]}}' for ids in wrong),
    ):  # fmt: skip
        with pytest.raises(protocol.ProtocolError):
            protocol.read_subscriptions(bad)
    with pytest.raises(protocol.ProtocolError):
        protocol.read_call(b"\x02\x00")


def test_an_episode_is_gathered_from_its_messages() -> None:
    from small_bags import episode_messages

    view = CellView()
    take = {"action": view.on_action, "motion": view.on_motion, "reward": view.on_reward}
    for topic, message, _ in episode_messages(42, 3):
        if topic.name in take:
            take[topic.name](message)
    state = view.state(0.0)
    assert [entry["step"] for entry in state["episode"]["steps"]] == [0, 1, 2, 3]
    assert set(state["episode"]["steps"][1]["terms"]) == {"slot_1", "slot_2"}
    assert view.history()["episodes"][0]["episode"] == "42"
    assert not view.history_changed
    json.dumps(state, allow_nan=False)
