"""A params_file with a section for no node is refused: rcl would ignore it."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mentor_bringup.runner.parameter_sections import check_sections
from mentor_bringup.runner.refusal import LaunchRefused

LAUNCH = Path(__file__).parents[1]
NODES = ["/cell_a/arm", "/cell_a/camera_side", "/cell_a/reward"]
PARAMETERS = "{ros__parameters: {a: 1}}"
SCRIPT = """
import json, sys
from mentor_bringup.runner.modules import provide_stand_in
provide_stand_in()
from mentor_bringup import checks
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.include import load_launch_file
from mentor_bringup.runner.node import Node
description = load_launch_file(sys.argv[1])
if sys.argv[2:]:
    description.add_action(Node(package="others", executable="gadget"))
context = LaunchContext(launch_configurations={"namespace": "cell_a", "camera_1": "side"})
print(json.dumps([checks.sections_of(description, context),
                  [each.executable for each in checks.nodes_in(description)]]))
"""


def known(file: str, *others: str) -> tuple[list[str] | None, list[str]]:
    """Return the names of the nodes that a launch file has, and their executables."""
    command = [sys.executable, "-c", SCRIPT, str(LAUNCH / file), *others]
    names, executables = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return names, executables


@pytest.mark.parametrize(
    "section",
    ["/**", "/cell_a/reward", "cell_a/arm", "/**/reward", "/*/reward", "/cell_a/*", "/cell_b/arm"],
)
def test_sections_of_nodes_are_taken(tmp_path: Path, section: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(f"'{section}': {PARAMETERS}\ncell_a: {{camera_side: {PARAMETERS}}}\n")
    check_sections(str(file), NODES)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"/cell_a/arm: {PARAMETERS}\nrewardd: {PARAMETERS}",
         r"section 'rewardd' is no node of this launch; did you mean 'reward'\? "
         "known: arm, camera_side, reward"),
        (f"cell_a: {{armm: {PARAMETERS}}}", "section 'cell_a/armm' is no node .* 'arm'"),
        (f"/**/stacker: {PARAMETERS}", r"section '/\*\*/stacker' is no node of this launch; known"),
        (f"reward: {PARAMETERS}",
         "section 'reward' is for a node without a namespace; this launch has '/cell_a/reward'"),
    ],
)  # fmt: skip
def test_a_section_for_no_node_is_refused_by_name(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(content)
    with pytest.raises(LaunchRefused, match=f"^params_file:={file}: {said}"):
        check_sections(str(file), NODES)


@pytest.mark.parametrize("file", sorted(path.name for path in LAUNCH.glob("*.launch.py")))
def test_the_nodes_of_a_launch_file_are_known_by_the_names_that_they_have(file: str) -> None:
    names, executables = known(file)
    programs = {each.name: each.module for each in entry_points(group="console_scripts")}
    own = [name for name in executables if name in programs]
    texts = [Path(importlib.util.find_spec(programs[name]).origin).read_text() for name in own]
    called = {re.search(r'^    NAME = "(\w+)"', text, re.MULTILINE)[1] for text in texts}
    assert {f"/cell_a/{name}" for name in called - {"camera"}} == set(names) - {
        "/cell_a/camera_side"
    }
    assert ("/cell_a/camera_side" in names) == ("camera" in called)


def test_names_are_not_checked_where_a_node_is_made_otherwise() -> None:
    assert known("learner.launch.py", "others")[0] is None


def test_a_launch_refuses_it_before_any_node(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(f"benchmark_brdge: {PARAMETERS}\n")
    command = [sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup"]
    command += ["benchmark.launch.py", "agent:=random", f"params_file:={file}"]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert refused.returncode == 1 and "process started" not in refused.stdout
    assert "section 'benchmark_brdge' is no node of this launch; did you" in refused.stdout
