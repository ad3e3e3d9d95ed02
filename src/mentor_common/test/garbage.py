"""Malformed and absurd requests and messages of any type, as bytes: what a stranger may send."""

from __future__ import annotations

import importlib
import itertools
import random
import time
from collections.abc import Iterator
from typing import Any

from lifecycle_msgs.srv import ChangeState
from raw_sender import RawSender
from rclpy.serialization import serialize_message
from rosidl_parser.definition import (
    AbstractSequence,
    AbstractString,
    Array,
    BasicType,
    NamespacedType,
)

HEADER = b"\0\1\0\0"
NUMBERS = (0, 1, 2, 3, 4, 7, 99, 127, 2**31, 2**62, 2**64 - 1)
FLOATS = (0.0, 1.0, -1e30, float("nan"), float("inf"))
TRANSITIONS = [bytes([number]) for number in range(1, 9)]
TEXTS = ("", "speed", "autostart", "use_sim_time", "x..y", "é" * 400)


def targets(node: Any, of: str) -> Iterator[tuple[str, Any]]:
    """Yield what a node receives: DDS topic, and class of the messages.

    Args:
        node: asks the graph.
        of: full name of the node that receives.
    """
    namespace, _, name = of.rpartition("/")
    asked = (name, namespace or "/")
    for found, kinds in node.get_service_names_and_types_by_node(*asked):
        yield f"rq{found}Request", _request(kinds[0])
    for found, kinds in node.get_subscriber_names_and_types_by_node(*asked):
        if found != "/parameter_events":
            yield f"rt{found}", _request(kinds[0])


def send_garbage(node: Any, of: str, count: int, seed: int = 1) -> int:
    """Send a node so many malformed messages on all that it receives; return the number sent."""
    rng, sent = random.Random(seed), 0
    for topic, kind in targets(node, of):
        sender = RawSender(node, topic, kind)
        until = time.monotonic() + 10.0
        while not sender.receivers and time.monotonic() < until:
            time.sleep(0.005)
        for raw in itertools.islice(garbage(kind, rng), count):
            sender.send(raw)
            sent += 1
            if sent % 20 == 0:
                time.sleep(0.005)  # else the receiver's queue, which is short, overflows
        time.sleep(0.02)
        sender.close()
    return sent


def garbage(kind: Any, rng: random.Random) -> Iterator[bytes]:
    """Yield messages of a type: absurd values, cut, changed, random bytes.

    None is empty: Fast DDS sends no empty message, nor any that follows it. None is a transition of
    the lifecycle, which anybody may ask for.
    """
    yield HEADER
    while True:
        raw = _malformed(kind, rng)
        if kind is not ChangeState.Request or raw[4:5] not in TRANSITIONS:
            yield raw


def _malformed(kind: Any, rng: random.Random) -> bytes:
    raw, chance = bytearray(serialize_message(_absurd(kind, rng))), rng.random()
    if chance < 0.4:
        return bytes(raw)
    if chance < 0.6:
        return bytes(raw[: rng.randrange(5, len(raw) + 1)])
    if chance < 0.8:
        for _ in range(rng.randrange(1, 6)):
            raw[rng.randrange(4, len(raw))] = rng.choice((0, 1, 2, 99, 128, 255))
        return bytes(raw)
    return rng.choice((HEADER, b"")) + rng.randbytes(rng.randrange(1, 200))


def _request(kind: str) -> Any:
    package, folder, name = kind.split("/")
    module = importlib.import_module(f"{package}.{folder}")
    for ending, service in (("_SendGoal", "SendGoalService"), ("_GetResult", "GetResultService")):
        if name.endswith(ending):
            return getattr(getattr(module, name.removesuffix(ending)).Impl, service).Request
    found = getattr(module, name.removesuffix("_FeedbackMessage"), None)
    if name.endswith("_FeedbackMessage"):
        return found.Impl.FeedbackMessage  # type: ignore[union-attr]
    return found if folder == "msg" else found.Request  # type: ignore[union-attr]


def _absurd(kind: Any, rng: random.Random) -> Any:
    message = kind()
    for name, field in zip(message.get_fields_and_field_types(), message.SLOT_TYPES, strict=True):
        within = type(getattr(message, name)) if isinstance(field, NamespacedType) else None
        setattr(message, name, _absurd(within, rng) if within else _value(field, rng))
    return message


def _value(field: Any, rng: random.Random) -> Any:
    if isinstance(field, BasicType):
        kind = field.typename
        if kind == "boolean":
            return rng.random() < 0.5
        if kind in ("float", "double"):
            return rng.choice(FLOATS)
        if kind == "octet":
            return b"x"
        bits = int("".join(c for c in kind if c.isdigit()) or 8)
        return rng.choice(NUMBERS) % 2 ** (bits if kind.startswith("u") else bits - 1)
    if isinstance(field, AbstractString):
        return rng.choice(TEXTS)
    if isinstance(field, Array):
        return [_value(field.value_type, rng) for _ in range(field.size)]
    if isinstance(field, AbstractSequence):
        return [_value(field.value_type, rng) for _ in range(rng.randrange(4))]
    module = importlib.import_module(".".join(field.namespaces))
    return _absurd(getattr(module, field.name), rng)
