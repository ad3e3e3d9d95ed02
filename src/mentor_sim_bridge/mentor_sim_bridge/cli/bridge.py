"""``python -m mentor_sim_bridge bridge``: serve an environment over the topics of a cell."""

from __future__ import annotations

import argparse
import json
import signal
from typing import Any

from mentor_sim_bridge.cli.environments import full_id


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("id", help="gymnasium id")
    parser.add_argument("--count", type=int, default=1, help="processes (default 1)")
    parser.add_argument(
        "--namespace", default="/sim", help="they become NAMESPACE_0, NAMESPACE_1 ... (/sim)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the node"
    )


def run(options: argparse.Namespace) -> int:
    """Run the bridges until one ends or Ctrl-C; return the exit code."""
    from mentor_sim_bridge.bridge.fleet import BridgeFleet

    parameters = dict(_parameter(item) for item in options.set)
    name = full_id(options.id)
    with BridgeFleet(name, options.count, options.namespace, parameters) as fleet:
        print("\n".join(fleet.namespaces), flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            # All end together: an agent that drives all of them cannot continue with some.
            return fleet.wait()
        except KeyboardInterrupt:
            for number in (signal.SIGINT, signal.SIGTERM):  # once is enough to end all
                signal.signal(number, signal.SIG_IGN)
            return 0


def _parameter(item: str) -> tuple[str, Any]:
    name, equals, text = item.partition("=")
    if not equals:
        raise ValueError(f"--set {item}: must be NAME=VALUE")
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text
