"""Refuses what the client library itself would log, several lines for each request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode
from type_description_interfaces.srv import GetTypeDescription

_TYPE_HASH = re.compile(r"RIHS01_[0-9a-f]{64}")


def check_requests(node: LifecycleNode, dropped: Callable[[str], None]) -> None:
    """Have requests checked that come to the services which the client library gave a node.

    Args:
        node: node whose services they are.
        dropped: called with a text for each request that is refused.
    """
    checks = {
        ChangeState: lambda request: _transition_refusal(node, request),
        GetTypeDescription: _hash_refusal,
    }
    for service in node.services:
        if check := checks.get(service.srv_type):
            service.callback = _checked(service, check, dropped)


def _checked(
    service: Any, check: Callable[[Any], str], dropped: Callable[[str], None]
) -> Callable[[Any, Any], Any]:
    carry_out, name = service.callback, service.srv_name

    def callback(request: Any, response: Any) -> Any:
        if not (reason := check(request)):
            return carry_out(request, response)
        dropped(f"the service {name}: {reason}")
        if hasattr(response, "failure_reason"):
            response.failure_reason = reason
        return response  # its success is false

    return callback


def _transition_refusal(node: LifecycleNode, request: Any) -> str:
    number, label = request.transition.id, request.transition.label
    known = node._state_machine.available_transitions
    state = node._state_machine.current_state[1]
    if label:
        fits = label in [found[1] for found in known]
        return "" if fits else f"no transition '{label[:40]}' from {state}"
    return "" if number in [found[0] for found in known] else f"no transition {number} from {state}"


def _hash_refusal(request: Any) -> str:
    fits = _TYPE_HASH.fullmatch(request.type_hash)
    return "" if fits else f"'{request.type_hash[:40]}' is no type hash (RIHS01_...)"
