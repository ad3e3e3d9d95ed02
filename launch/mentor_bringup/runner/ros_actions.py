"""What holds for all nodes that follow (`launch_ros.actions`)."""

from __future__ import annotations

import re
from typing import Any

import yaml

from mentor_bringup.runner.conditions import Condition
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.entity import Action
from mentor_bringup.runner.parameters import evaluate_values
from mentor_bringup.runner.refusal import LaunchRefused
from mentor_bringup.runner.substitutions import Texts, perform


def join_namespaces(outer: str, inner: str) -> str:
    """Return `inner` within `outer`, or '' if both are empty; an absolute `inner` stands alone.

    Raises:
        LaunchRefused: if it is no ROS namespace.
    """
    joined = inner if inner.startswith("/") else "/".join(part for part in (outer, inner) if part)
    if not joined:
        return ""
    namespace = "/" + joined.strip("/")
    if namespace != "/" and not re.fullmatch(r"(/[A-Za-z_][A-Za-z0-9_]*)+", namespace):
        raise LaunchRefused(
            f"namespace '{inner}' is not valid; each part is letters, digits and _, not beginning "
            "with a digit"
        )
    return namespace


class PushROSNamespace(Action):
    """Put the nodes that follow in a namespace."""

    def __init__(self, namespace: Texts, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.namespace = namespace

    def execute(self, context: LaunchContext) -> None:
        """Push it; a group takes it back at its end."""
        outer = context.launch_configurations.get("ros_namespace", "")
        pushed = join_namespaces(outer, perform(context, self.namespace))
        context.launch_configurations["ros_namespace"] = pushed or outer


def _append(context: LaunchContext, name: str, item: tuple[str, str]) -> None:
    """Add to what holds for the nodes that follow."""
    before = context.launch_configurations.get(name, ())
    context.launch_configurations[name] = (*before, item)


class SetParameter(Action):
    """Give the nodes that follow a parameter."""

    def __init__(self, name: Texts, value: Any, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.name, self.value = name, value

    def execute(self, context: LaunchContext) -> None:
        """Add it to the parameters of all nodes."""
        ((name, value),) = evaluate_values(context, {self.name: self.value}).items()
        text = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
        _append(context, "global_params", (name, text))


class SetRemap(Action):
    """Remap a name for the nodes that follow."""

    def __init__(self, src: Texts, dst: Texts, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.src, self.dst = src, dst

    def execute(self, context: LaunchContext) -> None:
        """Add it to the remappings of all nodes."""
        rule = (perform(context, self.src), perform(context, self.dst))
        _append(context, "ros_remaps", rule)
