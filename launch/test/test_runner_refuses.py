"""What the runner does not know it refuses by name, with what would be right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from running_launch import launch_file, run

from mentor_bringup.runner.parameters import check_parameter_file
from mentor_bringup.runner.refusal import LaunchRefused

DECLARED = 'DeclareLaunchArgument("max_steps", default_value="1"), DeclareLaunchArgument("seed"),'


def refusal(folder: Path, entities: str, *arguments: str) -> str:
    """Run the launch file, which must be refused; return what was said."""
    status, output = run(launch_file(folder, entities), *arguments, folder=folder)
    assert status == 1, output
    assert "Traceback" not in output
    return output


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("max_step:=3", "no argument 'max_step'; did you mean 'max_steps'? known: max_steps, seed"),
        ("max_steps=3", "'max_steps=3' is malformed; expected <name>:=<value>"),
        (":=3", "':=3' is malformed"),
        ("seed:=", "'seed:=' is malformed"),
    ],
)
def test_an_unknown_or_malformed_argument(tmp_path: Path, argument: str, said: str) -> None:
    assert said in refusal(tmp_path, DECLARED, argument)


@pytest.mark.parametrize(
    ("entities", "said"),
    [
        ('Node(package="mentor_commn", executable="x")',
         "no package 'mentor_commn'; did you mean 'mentor_common'?"),
        ('Node(package="mentor_policy", executable="policy")',
         "mentor_policy has no executable 'policy'; did you mean 'policy_node'? known: "),
        ('Node(package="mentor_policy", executable="policy_node", remaps=[])',
         "Node() has no keyword 'remaps' in the stand-in; did you mean 'remappings'?"),
        ('Node(package="mentor_policy")', "Node(): missing a required"),
        ('ExecuteProcess(cmd=["true"], output="scren")', "output 'scren' is not known"),
        ('Node(package="mentor_policy", executable="policy_node", parameters=["/no/such.yaml"])',
         "parameter file /no/such.yaml: No such file or directory"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_launch_file(tmp_path: Path, entities: str, said: str) -> None:
    assert said in refusal(tmp_path, entities)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("from launch.actions import ExecuteLocal",
         "launch.actions has no 'ExecuteLocal'; did you mean 'ExecuteProcess'?"),
        ("from launch_ros.actions import ComposableNodeContainer", "no 'ComposableNodeContainer'"),
        ("import launch.frontend", "no module 'launch.frontend'"),
        ("import launch; launch.actions.Nothing", "launch.actions has no 'Nothing'"),
    ],
)  # fmt: skip
def test_a_feature_of_launch_that_the_stand_in_lacks(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "some.launch.py"
    path.write_text(f"{line}\ndef generate_launch_description():\n    pass\n")
    status, output = run(path, folder=tmp_path)
    assert status == 1
    assert said in output
    assert f"{path}, line 1" in output
    assert "ros2 launch" in output


def test_an_unknown_package_or_launch_file(tmp_path: Path) -> None:
    status, output = run("mentor_bringup", "benchmrk.launch.py", folder=tmp_path)
    assert status == 1
    assert "no launch file 'benchmrk.launch.py'; did you mean 'benchmark.launch.py'?" in output
    status, output = run("mentor_bringu", "benchmark.launch.py", folder=tmp_path)
    assert status == 1
    assert "no package 'mentor_bringu'; did you mean 'mentor_bringup'?" in output
    status, output = run("mentor_bringup", folder=tmp_path)
    assert status == 1
    assert "name a launch file of package mentor_bringup: benchmark.launch.py, cable_" in output
    status, output = run("mentor_bringup", "cable.launch.py", folder=tmp_path)
    assert status == 1 and "did you mean 'cable_routing.launch.py'?" in output
    assert "agent.launch.py" not in output, "no part of a launch file is launched alone"
    status, output = run("missing.launch.py", folder=tmp_path)
    assert status == 1 and output.endswith("launch file missing.launch.py does not exist\n")


def test_an_option_may_stand_between_the_arguments(tmp_path: Path) -> None:
    status, output = run("mentor_bringup", "benchmark.launch.py", "-s", "a:=1", folder=tmp_path)
    assert status == 0 and "'suite':" in output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: " + b"[" * 100_000, "more than 32 levels"),
        (b"a: " + b"9" * 5000, "is not YAML"),
        (b"\x00", "is not YAML"),
        (b"- a", "holds no parameters"),
        (None, "is not a regular file"),
    ],
)
def test_a_file_that_holds_no_parameters(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "params.yaml"
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    with pytest.raises(LaunchRefused, match=said):
        check_parameter_file(str(path))
