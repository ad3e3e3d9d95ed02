"""``python -m mentor_recorder view``: bags on a timeline in the browser, without a cell."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from mentor_common.bags.reader import BagError
from mentor_recorder.monitor.access import Access
from mentor_recorder.monitor.bag_view import BagShelf
from mentor_recorder.monitor.routes import Routes
from mentor_recorder.monitor.server import MonitorServer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", type=Path, help="a bag, or a folder of bags, such as a run's")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C; return the exit status."""
    shelf = BagShelf(options.folder)
    if not shelf.names():
        raise BagError(f"there is no bag below {options.folder}")
    routes = Routes(shelf, live=False)
    server = MonitorServer(
        "127.0.0.1", options.port, Access("127.0.0.1"), routes.get, lambda _: None,
        lambda _: (False, "there is no cell"),
    )  # fmt: skip
    print(f"{len(shelf.names())} bag(s): http://127.0.0.1:{server.port}/ (Ctrl-C ends)", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()
    return 0
