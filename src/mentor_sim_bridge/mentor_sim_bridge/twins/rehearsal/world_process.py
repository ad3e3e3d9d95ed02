"""The process that a rehearsal's world lives in, whichever way its arm is moved."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.rehearsal.world import World

Serve = Callable[[World, str, list[bool]], None]
"""Moves the arm of a world, for clients of an address, until the list is not empty."""


def run_world(serve: Serve, description: str | None) -> int:
    """Make the world that the command line names and serve its arm; return the exit status."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--task", required=True)
    parser.add_argument("--address", default="127.0.1.1", help="of the control box")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shared", type=Path, default=None, help="file of the shared state")
    parser.add_argument("--parent", type=int, default=0, help="process with which this one ends")
    arguments = parser.parse_args()
    # A real box has a processor of its own; here it comes before the cameras, too.
    with suppress(PermissionError):
        os.nice(-10)
    stop: list[bool] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    if arguments.parent:
        threading.Thread(target=_follow, args=(arguments.parent, stop), daemon=True).start()
    world = World(find_task(arguments.task), arguments.seed, arguments.shared)
    serve(world, arguments.address, stop)
    return 0


def _follow(parent: int, stop: list[bool]) -> None:
    """End with the parent, also where it was killed."""
    while os.getppid() == parent:
        time.sleep(0.5)
    stop.append(True)
