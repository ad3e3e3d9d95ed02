"""Two network namespaces joined by a cable, as two machines are. Needs root (or `unshare -rn`)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence


class TwoMachines:
    """Namespaces ``a`` and ``b`` with addresses 10.77.0.1 and 10.77.0.2; a context manager."""

    def __init__(self) -> None:
        self._names = [f"mentor_{side}_{os.getpid()}" for side in "ab"]

    def __enter__(self) -> TwoMachines:
        one, other = self._names
        ends = [f"mt{side}{os.getpid() % 100000}" for side in "ab"]
        for name in self._names:
            _ip("netns", "add", name)
        _ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for number, (name, end) in enumerate(zip((one, other), ends, strict=True), 1):
            _ip("link", "set", end, "netns", name)
            _ip("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", end)
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", end, "up")
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            _ip("netns", "del", name)

    def on(self, side: int) -> Sequence[str]:
        """Words before a command that runs on machine 0 or 1."""
        return ["ip", "netns", "exec", self._names[side]]


FAR = {
    "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    "ROS_STATIC_PEERS": "10.77.0.1;10.77.0.2",
}
"""Environment of a process that another machine receives, as docs/security.md has it."""


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
