"""Call a service of a running launch, or its arm's recovery, from a shell; ros2cli is not needed.

The ROS domain is that of ROS_DOMAIN_ID, or that of the launch on this machine if there is only one.

    python -m mentor_bringup.call hold               # a service without arguments (Trigger)
    python -m mentor_bringup.call armed true         # a switch (SetBool)
    python -m mentor_bringup.call recover            # the action of this name
"""

from __future__ import annotations

import argparse
import difflib
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.exceptions import NameValidationException
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from std_srvs.srv import SetBool, Trigger

from mentor_bringup.domain import DomainError, chosen_domain, claimed_domains
from mentor_common.messages import topics
from mentor_common.node.caller import SpinningCaller
from mentor_common.node.dds import configure_dds
from mentor_common.node.remote_action import RemoteAction, RemoteError

AGAIN = 2.0
"""Seconds after which a request that nobody has answered is sent again: the answer to the first is
lost if the server has not discovered this process yet."""
SWITCH = {"true": True, "false": False}


class CallError(RuntimeError):
    """What keeps a call from being made, and the way out."""


def choose_domain() -> int:
    """Return the domain to call in. Raises: CallError if there is none, or more than one."""
    if (chosen := chosen_domain()) is not None:
        return chosen
    found = claimed_domains()
    if len(found) == 1:
        return found[0]
    why = (
        f"this machine has launches in the ROS domains {', '.join(map(str, found))}"
        if found
        else "no launch on this machine has chosen a ROS domain by itself"
    )
    raise CallError(f"{why}: set ROS_DOMAIN_ID to the number that the launch's second line names")


def call_service(node: Node, name: str, value: str | None, timeout: float) -> Any:
    """Call a service; return its response.

    Args:
        node: node that calls it.
        name: name of the service.
        value: "true" or "false" for a switch; None: the service takes no argument.
        timeout: seconds within which it has to answer.

    Raises:
        CallError: if nobody serves it, or it does not answer.
    """
    until = time.monotonic() + timeout
    kind: Any = Trigger if value is None else SetBool
    request = Trigger.Request() if value is None else SetBool.Request(data=SWITCH[value])
    client = node.create_client(kind, name)
    served = client.wait_for_service(timeout)
    while served and (left := until - time.monotonic()) > 0.0:
        answer = client.call_async(request)
        rclpy.spin_until_future_complete(node, answer, timeout_sec=min(AGAIN, left))
        if answer.done():
            return answer.result()
    where = f"{client.service_name} in ROS domain {os.environ['ROS_DOMAIN_ID']}"
    if served:
        raise CallError(f"{where} has not answered within {timeout:g} s")
    usage = "takes true or false" if value is None else "takes no argument"
    raise CallError(
        f"nobody serves {where} ({kind.__name__}){_served_instead(node, name)}; is it another "
        f"domain or namespace, a node that is not active, or a service that {usage}?"
    )


def _served_instead(node: Node, name: str) -> str:
    """Return which services of the namespace can be called, for the error about one that cannot."""
    types = {"std_srvs/srv/Trigger": "", "std_srvs/srv/SetBool": " true|false"}
    inside = f"{node.get_namespace().rstrip('/')}/"
    served = {
        full.removeprefix(inside): types[kind]
        for full, kinds in node.get_service_names_and_types()
        for kind in kinds
        if full.startswith(inside) and kind in types and node.count_services(full)
    }
    if not served:
        return ""
    near = difflib.get_close_matches(name, served, 1)
    hint = f" did you mean '{near[0]}'?" if near else ""
    known = ", ".join(f"{each}{usage}" for each, usage in sorted(served.items()))
    return f";{hint} known: {known}"


def call_recover(node: Node, timeout: float) -> Any:
    """Call the action `recover`; return its result. Raises: RemoteError."""

    def spin(done: Callable[[], bool], until: float) -> None:
        while not done() and (left := until - time.monotonic()) > 0.0:
            rclpy.spin_once(node, timeout_sec=min(0.1, left))

    action = RemoteAction(SpinningCaller(node, spin, lambda: None, list), topics.RECOVER)
    try:
        return action.call(topics.RECOVER.type.Goal(), timeout)
    finally:
        action.destroy()


def call(options: argparse.Namespace) -> Any:
    """Call what the command line names; return its response or result.

    Raises:
        CallError, RemoteError: it was not called, or has not answered.
        ExternalShutdownException: the process was told to end.
    """
    try:
        node = rclpy.create_node(f"call_{os.getpid()}", namespace=options.namespace)
        if options.name == topics.RECOVER.name:
            return call_recover(node, options.timeout)
        return call_service(node, options.name, options.value, options.timeout)
    except rclpy_implementation.RCLError as error:
        if rclpy.ok():
            raise
        raise ExternalShutdownException from error


def seconds(text: str) -> float:
    """Return a time that the user gave. Raises: ArgumentTypeError if it is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0")
    return value


def main(arguments: list[str] | None = None) -> int:
    """Call what the arguments name; return 0, 1 if it failed, or 2 if it was not called."""
    parser = argparse.ArgumentParser(
        prog="python -m mentor_bringup.call",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="service, relative to the namespace; or `recover`")
    parser.add_argument("value", nargs="?", choices=sorted(SWITCH), help="of a switch")
    parser.add_argument("--namespace", default="", help="of the cell")
    parser.add_argument("--timeout", type=seconds, default=30.0, help="seconds")
    options = parser.parse_args(arguments)
    if options.name == topics.RECOVER.name and options.value is not None:
        parser.error(f"{options.name} takes no argument, '{options.value}' was given")
    try:
        os.environ["ROS_DOMAIN_ID"] = str(choose_domain())
        os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        configure_dds()
        with rclpy.init(args=[]):
            answer = call(options)
    except (CallError, DomainError, RemoteError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except NameValidationException as error:
        what, name, *_ = str(error).splitlines()  # and a line that points into the name
        print(f"error: {what} {name.strip()}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except ExternalShutdownException:
        print("terminated", file=sys.stderr)
        return 143
    print(answer.message or ("done" if answer.success else "failed"))
    return 0 if answer.success else 1


if __name__ == "__main__":
    sys.exit(main())
