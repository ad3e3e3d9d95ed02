"""Starts a node of the workspace as a process, and asks it what any ROS tool would ask."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import rclpy
from ament_index_python.packages import get_package_prefix, get_packages_with_prefixes
from asking import answer
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rcl_interfaces.srv import DescribeParameters, ListParameters, SetParameters
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor

Result = TypeVar("Result")

LATE = 60.0
"""Seconds after which something that should have come has not."""


def executables() -> list[tuple[str, str]]:
    """Every node of every package of this workspace: (package, executable)."""
    found = []
    for package in sorted(get_packages_with_prefixes()):
        if package.startswith("mentor_"):
            folder = Path(get_package_prefix(package)) / "lib" / package
            found += [(package, p.name) for p in sorted(folder.glob("*")) if os.access(p, os.X_OK)]
    return found


def eventually(poll: Callable[[], Result], seconds: float = LATE) -> Result:
    """Return the first thing that is something; the last nothing if it takes too long."""
    until = time.monotonic() + seconds
    while not (result := poll()) and time.monotonic() < until:
        time.sleep(0.05)
    return result


OF_A_TASK = {
    ("mentor_arm", "arm_node"),
    ("mentor_camera", "realsense_camera"),
    ("mentor_camera", "stacker_node"),
    ("mentor_recorder", "scene_node"),
    ("mentor_reset", "reset_node"),
    ("mentor_reward", "reward_node"),
    ("mentor_sim_bridge", "rehearsal_node"),
    ("mentor_sim_bridge", "twin_node"),
}
"""Nodes that need the parameter ``task``."""


def its_task(package: str, executable: str) -> list[str]:
    """Return the arguments that name the task of a node, if it needs one."""
    return ["-p", "task:=cable_routing"] if (package, executable) in OF_A_TASK else []


def nodes_of(launch: int) -> dict[str, int]:
    """Process id of each node of a launch, by the node's executable."""
    children = Path(f"/proc/{launch}/task/{launch}/children").read_text().split()
    found = {}
    for child in children:
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        scripts = [Path(word).name for word in words[:3] if "/lib/mentor_" in word]
        found.update({name: int(child) for name in scripts})
    return found


class NodeProcess:
    """A node that runs as a process in a namespace of its own."""

    def __init__(
        self, package: str, executable: str, namespace: str, folder: Path, *arguments: str
    ) -> None:
        self.namespace = namespace
        self._log = folder / f"{executable}{namespace.replace('/', '_')}_{time.monotonic_ns()}.txt"
        program = Path(get_package_prefix(package)) / "lib" / package / executable
        with self._log.open("wb") as stream:
            self.process = subprocess.Popen(
                [program, "--ros-args", "-r", f"__ns:={namespace}", *arguments],
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )

    @property
    def output(self) -> str:
        """What the process has printed."""
        return self._log.read_text(errors="replace")

    def end(self) -> int:
        """End the process as Ctrl-C does; return its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(LATE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"does not end on SIGINT:\n{self.output}") from None


class Observer:
    """A plain node beside the others: sees the graph, calls services, receives diagnostics."""

    def __init__(self) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node("observer", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.statuses: list[DiagnosticStatus] = []
        self.node.create_subscription(
            DiagnosticArray, "/diagnostics", lambda m: self.statuses.extend(m.status), 50
        )

    def close(self) -> None:
        """Leave."""
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.shutdown()

    def spin(self, seconds: float) -> None:
        """Receive for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._executor.spin_once(timeout_sec=0.02)

    def nodes_in(self, namespace: str) -> list[str]:
        """Full names of the nodes within a namespace."""
        found = self.node.get_node_names_and_namespaces()
        within = namespace.rstrip("/") + "/"
        names = (f"{ns.rstrip('/')}/{name}" for name, ns in found)
        return sorted(n for n in names if n.startswith(within) and not self._hidden(n))

    @staticmethod
    def _hidden(name: str) -> bool:
        return name.rpartition("/")[2].startswith("_")

    def wait_for_node(self, process: NodeProcess) -> str:
        """Return the full name of the process' node once it answers."""

        def poll() -> str:
            assert process.process.poll() is None, f"ended:\n{process.output}"
            names = self.nodes_in(process.namespace)
            return names[0] if names else ""

        name = eventually(poll)
        assert name, f"no node in {process.namespace}:\n{process.output}"
        return name

    def call(self, service_type: Any, name: str, request: Any) -> Any:
        """Call a service."""
        client = self.node.create_client(service_type, name)
        try:
            assert client.wait_for_service(LATE), f"nobody serves {name}"
            return answer(lambda: client.call_async(request), self._wait)
        finally:
            self.node.destroy_client(client)

    def _wait(self, future: Any, seconds: float) -> None:
        self._executor.spin_until_future_complete(future, seconds)

    def state(self, node: str) -> str:
        """Return the node's lifecycle state."""
        answer = self.call(GetState, f"{node}/get_state", GetState.Request())
        return str(answer.current_state.label)

    def transition(self, node: str, number: int) -> bool:
        """Ask for a lifecycle transition; return whether it succeeded."""
        before = self.state(node)
        request = ChangeState.Request(transition=Transition(id=number))
        done = bool(self.call(ChangeState, f"{node}/change_state", request).success)
        return done or self.state(node) != before  # an answer that was lost is asked for again

    def parameters(self, node: str) -> list[ParameterDescriptor]:
        """Return the descriptors of the node's own parameters."""
        names = self.call(ListParameters, f"{node}/list_parameters", ListParameters.Request())
        own = [
            name
            for name in names.result.names
            if not name.startswith("qos_overrides.")
            and name not in ("use_sim_time", "start_type_description_service")
        ]
        request = DescribeParameters.Request(names=own)
        return list(
            self.call(DescribeParameters, f"{node}/describe_parameters", request).descriptors
        )

    def set(self, node: str, parameter: Any) -> SetParametersResult:
        """Set a parameter."""
        request = SetParameters.Request(parameters=[parameter])
        return self.call(SetParameters, f"{node}/set_parameters", request).results[0]

    def names_of(self, node: str) -> set[str]:
        """Return every topic and service that the node has, hidden ones too."""
        namespace, _, name = node.rpartition("/")
        asked = (name, namespace or "/")
        return {
            found
            for names in (
                self.node.get_publisher_names_and_types_by_node(*asked),
                self.node.get_subscriber_names_and_types_by_node(*asked),
                self.node.get_service_names_and_types_by_node(*asked),
            )
            for found, _ in names
        }

    def published_by(self, node: str) -> dict[str, str]:
        """Return the topics that the node publishes, and their types."""
        namespace, _, name = node.rpartition("/")
        found = self.node.get_publisher_names_and_types_by_node(name, namespace or "/")
        return {topic: types[0] for topic, types in found}

    def actions_of(self, node: str) -> Iterator[tuple[str, Any]]:
        """Yield the actions that the node serves: name and type."""
        for topic, kind in self.published_by(node).items():
            if topic.endswith("/_action/feedback"):
                package, _, message = kind.split("/")
                module = importlib.import_module(f"{package}.action")
                action = getattr(module, message.removesuffix("_FeedbackMessage"))
                yield topic.removesuffix("/_action/feedback"), action

    def accepts_goal(self, name: str, action_type: Any) -> bool:
        """Send an empty goal; return whether it is accepted."""
        client = ActionClient(self.node, action_type, name)
        try:
            assert client.wait_for_server(LATE), f"nobody serves the action {name}"
            handle = answer(lambda: client.send_goal_async(action_type.Goal()), self._wait)
            return bool(handle.accepted)
        finally:
            client.destroy()

    def status_of(self, node: str) -> DiagnosticStatus | None:
        """Return the newest diagnostic status of the node."""
        mine = [status for status in self.statuses if status.hardware_id == node]
        return mine[-1] if mine else None
