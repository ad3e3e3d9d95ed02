"""Every launch file keeps the habits that ROS users expect; new ones are found by themselves."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ament_index_python.packages import get_package_share_directory
from node_process import Observer, eventually

from mentor_bringup.domain import claim_domain
from mentor_common.node.cell_node import WORKERS_END
from mentor_policy.nodes.policy_parameters import LAST_CHECKPOINT

FILES = sorted(
    path.name
    for path in Path(get_package_share_directory("mentor_bringup"), "launch").glob("*.launch.py")
)


def one_of_each_kind() -> list[str]:
    """Return the first launch file of those that include the same parts: they start the same nodes,
    under the names of other tasks."""
    share = Path(get_package_share_directory("mentor_bringup"), "launch")
    first: dict[frozenset[str], str] = {}
    for file in FILES:
        parts = re.findall(r'\bpart\("(\w+)"', (share / file).read_text())
        first.setdefault(frozenset(parts) or frozenset({file}), file)
    return list(first.values())


STANDARD = {"namespace", "use_sim_time", "params_file", "autostart", "respawn", "log_level"}


def runner(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup", *arguments]


@pytest.fixture
def observer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Observer]:
    """An observer in a domain where no earlier test has left its traces."""
    claim = claim_domain()
    monkeypatch.setenv("ROS_DOMAIN_ID", str(claim.number))
    observer = Observer()
    yield observer
    observer.close()
    claim.release()


def test_there_are_launch_files() -> None:
    assert "benchmark.launch.py" in FILES


def test_they_import_only_launch_launch_ros_the_standard_library_and_what_they_share() -> None:
    share = Path(get_package_share_directory("mentor_bringup"))
    shared = [
        Path(importlib.util.find_spec(f"mentor_bringup.{name}").origin)
        for name in ("description", "checks")
    ]
    for file in (*shared, *share.rglob("*.launch.py")):
        imported = re.findall(r"^(?:from|import) ([\w.]+)", file.read_text(), re.MULTILINE)
        own = {name for name in imported if name.startswith("mentor_")}
        ours = {f"mentor_bringup.{name}" for name in ("description", "checks", "shared_memory")}
        assert own <= ({"mentor_bringup.checks"} if file == shared[0] else ours), file
        assert not own or file != shared[1], file
        others = {name.split(".")[0] for name in set(imported) - own}
        assert others <= {"launch", "launch_ros", *sys.stdlib_module_names}, file


def test_what_happens_at_the_end_of_a_process_is_a_list() -> None:
    """The real launch shows only a list to the handler that fails the launch."""
    share = Path(get_package_share_directory("mentor_bringup"))
    for file in share.rglob("*.launch.py"):
        assert not re.search(r"on_exit=(?!\[|\w+\)?,?$|\w+\))", file.read_text()), file


def test_log_level_reaches_every_node() -> None:
    """None is made but by the function that they share, which passes it on."""
    share = Path(get_package_share_directory("mentor_bringup"))
    made = [file for file in share.rglob("*.launch.py") if re.search(r"\bNode\(", file.read_text())]
    assert made == []
    shared = Path(importlib.util.find_spec("mentor_bringup.description").origin).read_text()
    assert len(re.findall(r"\bNode\(", shared)) == shared.count('"--log-level"') == 1


def test_a_node_that_writes_a_checkpoint_is_killed_only_when_it_has_given_up() -> None:
    share = Path(get_package_share_directory("mentor_bringup"))
    shared = Path(importlib.util.find_spec("mentor_bringup.description").origin).read_text()
    waits = re.search(r'SAVES = {"sigterm_timeout": "(\d+)", "sigkill_timeout": "(\d+)"}', shared)
    # A second signal means the same; what follows the worker's end takes less than a second.
    assert sum(map(int, waits.groups())) > LAST_CHECKPOINT + WORKERS_END + 1.0
    texts = [file.read_text() for file in share.rglob("*.launch.py")]
    texts = [text for text in texts if re.search('(policy|actor|learner)_node"', text)]
    assert len(texts) == 2 and [text.count("**SAVES") for text in texts] == [
        text.count('"mentor_policy"') for text in texts
    ]


def test_tf_lies_in_the_cells_namespace() -> None:
    """Two cells have frames of the same names."""
    share = Path(get_package_share_directory("mentor_bringup"))
    text = (share / "launch" / "parts" / "rviz.launch.py").read_text()
    assert 'TF = [("/tf", "tf"), ("/tf_static", "tf_static")]' in text
    started = re.findall(r'node\(\s*"(?:robot_state_publisher|rviz2)"(?:.|\n)*?\),?\n', text)
    assert len(started) == 2 and all("remappings=TF" in one for one in started)


def test_the_manifest_declares_every_package_that_a_launch_file_starts() -> None:
    share = Path(get_package_share_directory("mentor_bringup"))
    manifest = (share / "package.xml").read_text()
    declared = set(re.findall(r"<exec_depend[^>]*>(\w+)</exec_depend>", manifest))
    started: set[str] = set()
    for file in share.rglob("*.launch.py"):
        call = r'\b(?:node|cell_node|compared|player)\(\s*"(\w+)",'
        started |= set(re.findall(call, file.read_text()))
    assert {"mentor_arm", "rviz2", "robot_state_publisher"} <= started <= declared


@pytest.mark.parametrize("file", FILES)
def test_show_args_lists_the_standard_arguments_and_describes_all(file: str) -> None:
    shown = subprocess.run(
        runner(file, "--show-args"), capture_output=True, text=True, check=True
    ).stdout
    arguments = re.findall(r"^    '(\w+)':\n        (.+)", shown, re.MULTILINE)
    assert {name for name, _ in arguments} >= STANDARD
    assert [name for name, text in arguments if text == "no description given"] == []
    assert "Substitution(" not in shown, "a default that the real launch prints as an object"


WRONG = (
    ("max_steps:=abc", "max_steps:=abc is not a whole number|no argument 'max_steps'"),
    ("params_file:=/no/such.yaml", "/no/such.yaml: No such file"),
    ("agent:=mentr", r"'mentr'|no argument 'agent'"),
    ("agnet:=random", "no argument 'agnet'"),
    ("diff:=true", "bag:=<folder of a bag> is missing; runs/ has no bags|no argument 'diff'"),
    ("preset:=nonsense", "preset 'nonsense' is not known|no argument 'preset'"),
    (
        "overrides:=agent.learning_rate=inf",
        "agent.learning_rate is inf; it must be from 0.0|no argument 'overrides'",
    ),
    ("params_file:=malformed.yaml", "malformed.yaml is not YAML"),
    ("mode:=eval", "mode:=eval needs checkpoint:=|no argument 'mode'"),
    ("checkpoint:=x", "checkpoint:=x is for mode:=eval|no argument 'checkpoint'"),
    ("monitor_port:=65536", "monitor_port:=65536 is not a port|no argument 'monitor_port'"),
)
"""Arguments, and what they are refused with; the first is of the agent, the second of any node."""


def are_refused(file: str, wrong: tuple[tuple[str, str], ...], folder: Path) -> None:
    (folder / "malformed.yaml").write_text("policy: {ros__parameters: {max_steps: [1")
    for argument, named in wrong:
        refused = subprocess.run(runner(file, argument), capture_output=True, text=True, cwd=folder)
        said = refused.stdout + refused.stderr
        assert refused.returncode == 1, argument
        errors = [line for line in said.splitlines() if "[ERROR]" in line]
        assert len(errors) == 1 and re.search(named, errors[0]), said
        assert "process started" not in said and "Traceback" not in said


def test_wrong_arguments_are_refused_before_any_process_starts(tmp_path: Path) -> None:
    are_refused("cable_routing.launch.py", WRONG, tmp_path)
    are_refused("replay.launch.py", (("diff:=true", WRONG[4][1]),), tmp_path)
    unknown = "`dmc-hopper_hopp` doesn't exist.*`python -m mentor_sim_bridge list` lists all"
    are_refused("benchmark.launch.py", (("task:=hopper_hopp", unknown),), tmp_path)
    of_a_cell = (
        ("robot:=fci", r"robot:=fci needs cell_file:= \(cp cells/example.yaml cells/mine.yaml\)"),
        ("device:=gpu", "device is 'gpu'; allowed are auto, cpu, cuda"),
        ('reset_options:={"peg": "star"}', "option 'peg' is unknown; known: none"),
    )
    are_refused("cable_routing.launch.py", of_a_cell, tmp_path)
    of_training = (
        ("seed:=2147483648", "seed:=2147483648 is not a whole number from 0 to 2147483647"),
        ("episodes:=5", "episodes:=5 is for mode:=eval"),
    )
    are_refused("cable_routing.launch.py", of_training, tmp_path)
    evaluation = runner("cable_routing.launch.py", "mode:=eval", "checkpoint:=.", "max_steps:=100")
    refused = subprocess.run(evaluation, capture_output=True, text=True, cwd=tmp_path)
    assert refused.returncode == 1 and "max_steps:=100 is for mode:=train" in refused.stdout


@pytest.mark.parametrize("file", [file for file in FILES if file != "cable_routing.launch.py"])
def test_each_launch_file_has_the_checks_of_its_parts(file: str, tmp_path: Path) -> None:
    are_refused(file, WRONG[:2], tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("file", FILES)
def test_wrong_arguments_of_each_launch_file_are_refused(file: str, tmp_path: Path) -> None:
    are_refused(file, WRONG, tmp_path)


def test_a_bridge_that_dies_ends_the_launch_with_its_status_and_last_words() -> None:
    ended = subprocess.run(
        runner("benchmark.launch.py", "agent:=none", "suite:=gymnasium", "task:=Unknown-v0"),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout
    last_words = ended.stdout[ended.stdout.index("benchmark_bridge-1 ended the launch") :]
    assert "Unknown" in last_words
    assert "policy" not in ended.stdout, "agent:=none starts nobody who acts"


@pytest.mark.parametrize(
    "file",
    # The cell with the most nodes; test_every_node.py looks at the names of each node by itself.
    [
        file if file == "cable_routing.launch.py" else pytest.param(file, marks=pytest.mark.soak)
        for file in one_of_each_kind()
    ],
)
def test_two_of_it_live_side_by_side_in_two_namespaces(
    file: str, observer: Observer, tmp_path: Path
) -> None:
    """Both in one domain, so that only the namespace keeps them apart."""
    logs = {cell: tmp_path / f"{cell}.txt" for cell in ("cell_a", "cell_b")}
    launches = []
    for cell, log in logs.items():
        with log.open("wb") as stream:
            arguments = runner(file, f"namespace:={cell}", "autostart:=false")
            launches.append(
                subprocess.Popen(
                    arguments, stdout=stream, stderr=subprocess.STDOUT, env=dict(os.environ)
                )
            )

    def nodes(cell: str) -> list[str]:
        return [name.removeprefix(f"/{cell}") for name in observer.nodes_in(f"/{cell}")]

    def complete() -> list[str]:
        """The nodes of one cell, once both cells have all that their launches have started."""
        found = [
            (nodes(cell), log.read_text().count("started with pid")) for cell, log in logs.items()
        ]
        whole = all(names and len(names) == started for names, started in found)
        return found[0][0] if whole and found[0] == found[1] else []

    try:
        names = eventually(complete, 90.0)
        assert names, [log.read_text() for log in logs.values()]
        everybody = [f"/{cell}{name}" for cell in logs for name in names]
        assert [n for n in observer.nodes_in("/") if n != "/observer"] == everybody
        assert {observer.state(name) for name in everybody} == {"unconfigured"}
    finally:
        for launch in launches:
            launch.send_signal(signal.SIGINT)
        for launch in launches:
            launch.wait(60)
