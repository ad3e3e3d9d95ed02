"""Every node keeps the habits that ROS users expect; new nodes are found by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass
class Pair:
    """The same node in two namespaces side by side, not started by itself."""

    a: str
    b: str
    processes: tuple[NodeProcess, NodeProcess]


@pytest.fixture(scope="module")
def observer() -> Iterator[Observer]:
    observer = Observer()
    yield observer
    observer.close()


@pytest.fixture(scope="module", params=NODES, ids=lambda node: "/".join(node))
def pair(
    request: pytest.FixtureRequest, observer: Observer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    package, executable = request.param
    folder = tmp_path_factory.mktemp(executable)
    processes = tuple(
        NodeProcess(
            package,
            executable,
            f"/walk_{side}/{executable}",
            folder,
            "-p",
            "autostart:=false",
            *its_task(package, executable),
        )
        for side in "ab"
    )
    try:
        names = [observer.wait_for_node(process) for process in processes]
        yield Pair(names[0], names[1], (processes[0], processes[1]))
    finally:
        for process in processes:
            end_gently(process.process)


def test_there_are_nodes() -> None:
    assert len(NODES) >= 4


def test_without_autostart_it_is_unconfigured(pair: Pair, observer: Observer) -> None:
    assert observer.state(pair.a) == "unconfigured"


def test_unconfigured_it_publishes_nothing_but_its_diagnostics(
    pair: Pair, observer: Observer
) -> None:
    topics = {
        topic
        for topic in observer.published_by(pair.a)
        if topic not in ALWAYS_TALKING and not topic.endswith("/transition_event")
    }
    assert topics == set()


def test_its_parameters_are_described(pair: Pair, observer: Observer) -> None:
    descriptors = observer.parameters(pair.a)
    assert "autostart" in {descriptor.name for descriptor in descriptors}
    assert [d.name for d in descriptors if len(d.description) < 5] == []


def test_its_numbers_have_ranges(pair: Pair, observer: Observer) -> None:
    open_ended = [
        d.name
        for d in observer.parameters(pair.a)
        if (d.type == ParameterType.PARAMETER_DOUBLE and not d.floating_point_range)
        or (d.type == ParameterType.PARAMETER_INTEGER and not d.integer_range)
    ]
    assert open_ended == []


def test_a_value_of_a_wrong_type_is_refused_with_a_reason(pair: Pair, observer: Observer) -> None:
    for descriptor in observer.parameters(pair.a):
        wrong = ParameterValue(type=ParameterType.PARAMETER_BYTE_ARRAY, byte_array_value=[b"x"])
        result = observer.set(pair.a, Parameter(name=descriptor.name, value=wrong))
        assert not result.successful, descriptor.name
        assert result.reason, descriptor.name


def test_a_value_out_of_range_is_refused_with_a_reason(pair: Pair, observer: Observer) -> None:
    for descriptor in observer.parameters(pair.a):
        for range_ in descriptor.floating_point_range:
            value = ParameterValue(
                type=ParameterType.PARAMETER_DOUBLE, double_value=range_.to_value * 2.0 + 1.0
            )
            result = observer.set(pair.a, Parameter(name=descriptor.name, value=value))
            assert not result.successful, descriptor.name
            assert result.reason, descriptor.name


def test_it_reports_on_diagnostics(pair: Pair, observer: Observer) -> None:
    def poll() -> object:
        observer.spin(0.2)
        return observer.status_of(pair.a)

    status = eventually(poll)
    assert status is not None
    assert ("state", "unconfigured") in {(v.key, v.value) for v in status.values}  # type: ignore[attr-defined]


def test_two_of_it_live_side_by_side_in_two_namespaces(pair: Pair, observer: Observer) -> None:
    configured = [observer.transition(n, Transition.TRANSITION_CONFIGURE) for n in (pair.a, pair.b)]
    for name, process in zip((pair.a, pair.b), pair.processes, strict=True):
        cell = process.namespace
        strangers = [
            found
            for found in observer.names_of(name)
            if not found.startswith(f"{cell}/") and found not in EVERYBODY_S
        ]
        assert strangers == []
    for name, ok, process in zip((pair.a, pair.b), configured, pair.processes, strict=True):
        assert observer.state(name) == ("inactive" if ok else "unconfigured")
        assert ok or "configure failed: " in process.output  # the log has the reason


def test_inactive_it_rejects_goals(pair: Pair, observer: Observer) -> None:
    if observer.state(pair.a) == "unconfigured":
        observer.transition(pair.a, Transition.TRANSITION_CONFIGURE)
    for name, action_type in observer.actions_of(pair.a):
        assert not observer.accepts_goal(name, action_type), name


def test_it_ends_cleanly_on_ctrl_c(pair: Pair) -> None:
    assert pair.processes[1].end() == 0


@pytest.mark.parametrize(("package", "executable"), NODES, ids=lambda name: str(name))
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
