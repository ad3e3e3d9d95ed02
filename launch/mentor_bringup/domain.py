"""A ROS domain of one's own, so that two launches on one machine do not receive each other.

A domain counts as taken while a process of this machine holds its claim, or while any DDS
participant listens on the domain's ports, since other stacks make no claims. A claim is a socket in
Linux' abstract namespace: it ends with the process, even after kill -9, and reaches exactly as far
as the domain's ports do, one network namespace.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections.abc import Iterable
from pathlib import Path

DOMAINS = range(1, 102)
"""Domains whose ports lie below Linux' ephemeral ports; 0, everybody's default, is left alone."""

_PORT_BASE, _PORT_GAIN = 7400, 250  # DDSI-RTPS 2.3, 9.6.1.1
_CLAIM = "mentor_bringup/domain/"


class DomainError(RuntimeError):
    """No domain is free, or the one asked for is not a domain."""


class DomainClaim:
    """A claimed domain, which is free again when `release` is called or the process ends."""

    def __init__(self, number: int, lock: socket.socket) -> None:
        self.number = number
        self._lock = lock

    def release(self) -> None:
        """Give the domain back."""
        self._lock.close()


def claim_domain(candidates: Iterable[int] | None = None) -> DomainClaim:
    """Claim a domain at random among those that nobody on this machine uses.

    Raises:
        DomainError: if every candidate is taken.
    """
    numbers = list(DOMAINS if candidates is None else candidates)
    random.SystemRandom().shuffle(numbers)
    listening = _domains_with_listeners()
    for number in numbers:
        if number not in listening and (lock := _lock_domain(number)):
            return DomainClaim(number, lock)
    raise DomainError(
        f"none of {len(numbers)} ROS domains is free; end a launch, or choose one yourself: "
        "ROS_DOMAIN_ID=<number>"
    )


def _lock_domain(number: int) -> socket.socket | None:
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with contextlib.suppress(OSError):
        lock.bind(f"\0{_CLAIM}{number}")
        return lock
    lock.close()
    return None


def claimed_domains() -> list[int]:
    """Return the domains that processes of this machine hold, in ascending order."""
    rows = Path("/proc/net/unix").read_text().splitlines()[1:]
    return sorted({int(row.rpartition("/")[2]) for row in rows if f"@{_CLAIM}" in row})


def _domains_with_listeners() -> set[int]:
    """Return the domains on whose UDP ports somebody listens."""
    domains = set()
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with contextlib.suppress(OSError):
            for row in Path(table).read_text().splitlines()[1:]:
                port = int(row.split()[1].rpartition(":")[2], 16)
                if port >= _PORT_BASE:
                    domains.add((port - _PORT_BASE) // _PORT_GAIN)
    return domains


def chosen_domain() -> int | None:
    """Return the domain that the user chose by ROS_DOMAIN_ID, or None.

    Raises:
        DomainError: if ROS_DOMAIN_ID is not a number from 0 to 232.
    """
    text = os.environ.get("ROS_DOMAIN_ID", "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) > 232:
        raise DomainError(f"ROS_DOMAIN_ID={text!r} is not a domain; it is a number from 0 to 232")
    return int(text)
