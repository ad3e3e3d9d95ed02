"""Foxglove's WebSocket protocol: the layout of its messages. Pure; nothing is sent here."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SUBPROTOCOLS = ("foxglove.sdk.v1", "foxglove.websocket.v1")
"""Names of the protocol, newest first; both are the same for what is used here."""
_MESSAGE, _CALL, _ANSWER = 0x01, 0x02, 0x03


LARGEST_NUMBER = 2**32 - 1
"""Largest number of a subscription or channel on the wire."""
ERROR = 2
"""Level of a status message: something was not done."""


class ProtocolError(ValueError):
    """What a client has sent is not of the protocol."""


class RefusedError(ValueError):
    """What a client asks for is of the protocol, but nothing that this server does."""


@dataclass(frozen=True)
class Channel:
    """A topic as a client sees it.

    Args:
        number: number of the channel.
        topic: its name.
        encoding: encoding of its messages: cdr or json.
        schema_name: type of its messages.
        schema: their definition.
        schema_encoding: ros2msg or jsonschema.
    """

    number: int
    topic: str
    encoding: str
    schema_name: str
    schema: str
    schema_encoding: str

    def as_json(self) -> dict[str, Any]:
        """Return the channel as it is advertised."""
        return {
            "id": self.number,
            "topic": self.topic,
            "encoding": self.encoding,
            "schemaName": self.schema_name,
            "schema": self.schema,
            "schemaEncoding": self.schema_encoding,
        }


@dataclass(frozen=True)
class Call:
    """A call of a service by a client."""

    service: int
    call: int
    encoding: str
    payload: bytes


def server_info(name: str, session: str) -> str:
    """Return the server's first message."""
    return json.dumps(
        {
            "op": "serverInfo",
            "name": name,
            "capabilities": ["services"],
            "supportedEncodings": ["json"],
            "metadata": {},
            "sessionId": session,
        }
    )


def advertise(channels: Iterable[Channel]) -> str:
    """Return the announcement of channels."""
    return json.dumps({"op": "advertise", "channels": [c.as_json() for c in channels]})


def advertise_services(names: Mapping[int, str]) -> str:
    """Return the announcement of services that take nothing and answer as std_srvs/Trigger."""
    answer = {
        "type": "object",
        "properties": {"success": {"type": "boolean"}, "message": {"type": "string"}},
    }
    services = [
        {
            "id": number,
            "name": name,
            "type": "std_srvs/srv/Trigger",
            "request": _json_schema("Trigger_Request", {"type": "object"}),
            "response": _json_schema("Trigger_Response", answer),
        }
        for number, name in names.items()
    ]
    return json.dumps({"op": "advertiseServices", "services": services})


def message_data(subscription: int, stamp: int, payload: bytes) -> bytes:
    """Return a message of a subscription; ``stamp`` in nanoseconds."""
    return struct.pack("<BIQ", _MESSAGE, subscription, stamp) + payload


def refusal(reason: str) -> str:
    """Return that something was refused, and why."""
    return json.dumps({"op": "status", "level": ERROR, "message": reason})


def call_answer(call: Call, payload: bytes) -> bytes:
    """Return the answer of a service, in JSON."""
    encoding = b"json"
    head = struct.pack("<BIII", _ANSWER, call.service, call.call, len(encoding))
    return head + encoding + payload


def call_failure(call: Call, reason: str) -> str:
    """Return that a call was not carried out, and why."""
    return json.dumps(
        {
            "op": "serviceCallFailure",
            "serviceId": call.service,
            "callId": call.call,
            "message": reason,
        }
    )


def read_call(data: bytes) -> Call:
    """Read a client's binary message.

    Raises:
        ProtocolError: it is no call of a service.
    """
    if len(data) < 13 or data[0] != _CALL:
        raise ProtocolError(f"a binary message of {len(data)} bytes is no call of a service")
    service, call, length = struct.unpack_from("<III", data, 1)
    if 13 + length > len(data):
        raise ProtocolError("a call of a service ends too early")
    encoding = data[13 : 13 + length].decode(errors="replace")
    return Call(service, call, encoding, bytes(data[13 + length :]))


def read_subscriptions(text: str) -> tuple[list[tuple[int, int]], list[int]]:
    """Read a client's text message.

    Returns:
        ``(subscription, channel)`` pairs to begin, and subscriptions to end.

    Raises:
        ProtocolError: it is none of the protocol.
        RefusedError: it asks for something else: to publish, to set a parameter, ...
    """
    try:
        content = json.loads(text)
        operation = str(content["op"])
        if operation == "subscribe":
            wanted = content["subscriptions"]
            return [(_number(entry["id"]), _number(entry["channelId"])) for entry in wanted], []
        if operation == "unsubscribe":
            return [], [_number(number) for number in content["subscriptionIds"]]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"not of the protocol: {error}") from error
    raise RefusedError(
        f"'{operation[:40]}' is refused: viewers subscribe, and call the services announced here"
    )


def _number(value: Any) -> int:
    """Return a number that fits the wire: one that does not would fail when a message is sent."""
    if not 0 <= (number := int(value)) <= LARGEST_NUMBER:
        raise ValueError(f"{number} is no number of a subscription or channel")
    return number


def _json_schema(name: str, schema: Mapping[str, Any]) -> dict[str, str]:
    return {
        "encoding": "json",
        "schemaName": name,
        "schemaEncoding": "jsonschema",
        "schema": json.dumps(schema),
    }
