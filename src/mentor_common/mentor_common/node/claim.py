"""What a node holds in its cell, or is about to hold, as it tells the others."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from dataclasses import dataclass, field


class CellHeldError(RuntimeError):
    """Somebody else holds what this process would hold; names who, and the way out."""

    for_person = True
    """Whether the text is made for the person: no traceback is needed."""


@dataclass(frozen=True)
class Claim:
    """What somebody holds, or is about to hold.

    Args:
        holder: full name of the node, or what the person knows it by.
        names: full names of what it holds, e.g. ``/observation`` or ``node /stacker``.
        active: whether it holds them now.
        began: when its process began to claim, nanoseconds since 1970 of its machine's clock. Only
            claims of processes that start at the same time are decided by it, so that clocks that
            differ decide wrongly who is first, but never let both hold.
        key: random; distinguishes claims of the same holder.
        process: process and machine of the holder, for error messages.
        endpoint: GUID of the DDS writer that announced it; empty: unknown.
        state: state of the holder's lifecycle, in a word; empty: it has none, as a RosEnv.
        needed: whether steps wait for the holder, not only for what it holds.
        asks: how often it has asked the others whether they still receive it, see
            :mod:`mentor_common.node.suspension`.
        answers: of others that asked, each as :func:`answer_to` has it.
    """

    holder: str
    names: frozenset[str]
    active: bool = False
    began: int = field(default_factory=time.time_ns)
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    process: str = field(default_factory=lambda: f"process {os.getpid()} on {socket.gethostname()}")
    endpoint: bytes = b""
    state: str = ""
    needed: bool = False
    asks: int = 0
    answers: frozenset[str] = frozenset()

    def wins_over(self, mine: Claim) -> bool:
        """Return whether this one stays where both want the same: who was there first."""
        if self.key == mine.key or not self.names & mine.names:
            return False
        if self.active != mine.active:
            return self.active
        return (self.began, self.key) < (mine.began, mine.key)

    def to_json(self) -> str:
        """Return what is published."""
        values = {name: getattr(self, name) for name in _PUBLISHED}
        return json.dumps({**values, "names": sorted(self.names), "answers": sorted(self.answers)})


_PUBLISHED = {"holder": str, "active": bool, "began": int, "key": str, "process": str,
              "state": str, "needed": bool, "asks": int}  # fmt: skip


def claim_from_json(text: str, endpoint: bytes = b"") -> Claim:
    """Return the claim that a message holds. Raises: ValueError for anything else."""
    try:
        values = json.loads(text)
    except RecursionError:
        raise ValueError("a claim is nested without end") from None
    if not isinstance(values, dict):
        raise ValueError("a claim is a JSON object")
    names, answers = _texts(values.get("names")), _texts(values.get("answers"))
    if any(type(values.get(key)) is not kind for key, kind in _PUBLISHED.items()):
        raise ValueError("a claim with a value of another type")
    known = {key: values[key] for key in _PUBLISHED}
    return Claim(names=names, answers=answers, endpoint=endpoint, **known)


def answer_to(claim: Claim) -> str:
    """Return what answers whoever has asked with a claim whether it is received."""
    return f"{claim.key}:{claim.asks}"


def held_text(mine: Claim, rival: Claim) -> str:
    """Return what a person reads whose cell, node or agent is refused."""
    names = ", ".join(sorted(mine.names & rival.names))
    return (
        f"{mine.holder} is refused: {rival.holder} ({rival.process}) holds {names} already. End it "
        "first, or start this cell with names of its own (namespace:=<name>) or in a domain of its "
        "own (environment variable ROS_DOMAIN_ID)"
    )


def _texts(values: object) -> frozenset[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("a claim whose names or answers are no texts")
    return frozenset(values)
