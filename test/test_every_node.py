"""Every node keeps the habits that ROS users expect; new nodes are found by themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from cell_process import end_gently
from lifecycle_msgs.msg import Transition
from node_process import NodeProcess, Observer, eventually, executables, its_task
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue

NODES = executables()
EVERYBODY_S = {"/rosout", "/parameter_events", "/diagnostics", "/clock", "/tf", "/tf_static"}
"""Names that ROS itself, and its tools, have once for all cells."""
ALWAYS_TALKING = {"/rosout", "/parameter_events", "/diagnostics"}


REFUSING = [("mentor_policy", "policy_node"), ("mentor_camera", "stacker_node")]
"""Nodes of which one that loads torch late, and one without; all read their files alike."""


@dataclass
class Running:
    """A node that does not configure itself.

    Attributes:
        name: full name of the node.
        process: runs it.
    """

    name: str
    process: NodeProcess


@pytest.fixture(scope="module")
def observer() -> Iterator[Observer]:
    observer = Observer()
    yield observer
    observer.close()


def start(package: str, executable: str, namespace: str, folder: Path) -> NodeProcess:
    arguments = ("-p", "autostart:=false", *its_task(package, executable))
    return NodeProcess(package, executable, f"/walk_{namespace}/{executable}", folder, *arguments)


@pytest.fixture(scope="module", params=NODES, ids=lambda node: "/".join(node))
def node(
    request: pytest.FixtureRequest, observer: Observer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    package, executable = request.param
    process = start(package, executable, "a", tmp_path_factory.mktemp(executable))
    try:
        yield Running(observer.wait_for_node(process), process)
    finally:
        end_gently(process.process)


def test_there_are_nodes() -> None:
    assert len(NODES) >= 4


def test_without_autostart_it_is_unconfigured(node: Running, observer: Observer) -> None:
    assert observer.state(node.name) == "unconfigured"


def test_unconfigured_it_publishes_nothing_but_its_diagnostics(
    node: Running, observer: Observer
) -> None:
    topics = {
        topic
        for topic in observer.published_by(node.name)
        if topic not in ALWAYS_TALKING and not topic.endswith("/transition_event")
    }
    assert topics == set()


def test_its_parameters_are_described(node: Running, observer: Observer) -> None:
    descriptors = observer.parameters(node.name)
    assert "autostart" in {descriptor.name for descriptor in descriptors}
    assert [d.name for d in descriptors if len(d.description) < 5] == []


def test_its_numbers_have_ranges(node: Running, observer: Observer) -> None:
    open_ended = [
        d.name
        for d in observer.parameters(node.name)
        if (d.type == ParameterType.PARAMETER_DOUBLE and not d.floating_point_range)
        or (d.type == ParameterType.PARAMETER_INTEGER and not d.integer_range)
    ]
    assert open_ended == []


def test_a_value_of_a_wrong_type_is_refused_with_a_reason(
    node: Running, observer: Observer
) -> None:
    for descriptor in observer.parameters(node.name):
        wrong = ParameterValue(type=ParameterType.PARAMETER_BYTE_ARRAY, byte_array_value=[b"x"])
        result = observer.set(node.name, Parameter(name=descriptor.name, value=wrong))
        assert not result.successful, descriptor.name
        assert result.reason, descriptor.name


def test_a_value_out_of_range_is_refused_with_a_reason(node: Running, observer: Observer) -> None:
    for descriptor in observer.parameters(node.name):
        for range_ in descriptor.floating_point_range:
            value = ParameterValue(
                type=ParameterType.PARAMETER_DOUBLE, double_value=range_.to_value * 2.0 + 1.0
            )
            result = observer.set(node.name, Parameter(name=descriptor.name, value=value))
            assert not result.successful, descriptor.name
            assert result.reason, descriptor.name


def test_it_reports_on_diagnostics(node: Running, observer: Observer) -> None:
    def poll() -> object:
        observer.spin(0.2)
        return observer.status_of(node.name)

    status = eventually(poll)
    assert status is not None
    assert ("state", "unconfigured") in {(v.key, v.value) for v in status.values}  # type: ignore[attr-defined]


def strangers_of(observer: Observer, name: str, namespace: str) -> list[str]:
    """Return the topics and services of a node that lie outside its namespace."""
    return [
        found
        for found in observer.names_of(name)
        if not found.startswith(f"{namespace}/") and found not in EVERYBODY_S
    ]


def test_configured_it_has_no_name_outside_its_namespace(node: Running, observer: Observer) -> None:
    """So that two cells live side by side; launches of two are in test_every_launch_file.py."""
    configured = observer.transition(node.name, Transition.TRANSITION_CONFIGURE)
    assert strangers_of(observer, node.name, node.process.namespace) == []
    assert observer.state(node.name) == ("inactive" if configured else "unconfigured")
    assert configured or "configure failed: " in node.process.output  # the log has the reason


@pytest.mark.soak
@pytest.mark.parametrize(("package", "executable"), NODES, ids=lambda name: str(name))
def test_two_of_it_live_side_by_side_in_two_namespaces(
    package: str, executable: str, observer: Observer, tmp_path: Path
) -> None:
    processes = [start(package, executable, side, tmp_path) for side in "bc"]
    try:
        names = [observer.wait_for_node(process) for process in processes]
        done = [observer.transition(name, Transition.TRANSITION_CONFIGURE) for name in names]
        for name, process, configured in zip(names, processes, done, strict=True):
            assert strangers_of(observer, name, process.namespace) == []
            assert observer.state(name) == ("inactive" if configured else "unconfigured")
    finally:
        for process in processes:
            end_gently(process.process)


def test_inactive_it_rejects_goals(node: Running, observer: Observer) -> None:
    if observer.state(node.name) == "unconfigured":
        observer.transition(node.name, Transition.TRANSITION_CONFIGURE)
    for name, action_type in observer.actions_of(node.name):
        assert not observer.accepts_goal(name, action_type), name


def test_it_ends_cleanly_on_ctrl_c(node: Running) -> None:
    assert node.process.end() == 0


@pytest.mark.parametrize(
    ("package", "executable"),
    [node if node in REFUSING else pytest.param(*node, marks=pytest.mark.soak) for node in NODES],
    ids=lambda name: str(name),
)
def test_a_parameter_file_with_an_unknown_name_is_refused(
    package: str, executable: str, tmp_path: Path
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("/**:\n  ros__parameters:\n    autostrat: false\n")
    process = NodeProcess(package, executable, "/refused", tmp_path, "--params-file", str(path))
    assert process.process.wait(60) != 0
    assert "'autostrat'" in process.output
    assert "did you mean 'autostart'" in process.output
    assert "Traceback" not in process.output


def test_no_node_needs_torch_to_start() -> None:
    """It takes seconds to import: nodes that use it import it when they have begun to work."""
    scripts = entry_points(group="console_scripts")
    modules = sorted(script.module for script in scripts if script.module.startswith("mentor_"))
    assert len(modules) >= len(NODES)
    program = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
