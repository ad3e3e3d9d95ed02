"""The launch API's meaning: what launch files say is what happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from running_launch import launch_file, run


def said(folder: Path, message: str, *arguments: str, before: str = "") -> str:
    """Return what a launch file says when it logs `message`."""
    entities = f"""
    DeclareLaunchArgument("a", default_value="1"),
    DeclareLaunchArgument("word", default_value="yes"),
    {before}
    LogInfo(msg=[{message}]),
    """
    status, output = run(launch_file(folder, entities), *arguments, folder=folder)
    assert status == 0, output
    return output.split("[launch.user]: ")[-1].strip()


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ('"a is ", LaunchConfiguration("a")', "a is 1"),
        ('LaunchConfiguration("b", default="none")', "none"),
        ('TextSubstitution(text="plain")', "plain"),
        ('PathJoinSubstitution(["x", LaunchConfiguration("a"), "y"])', "x/1/y"),
        ('EnvironmentVariable("NOT_SET", default_value="d")', "d"),
        ('EqualsSubstitution(LaunchConfiguration("a"), 1)', "true"),
        ('EqualsSubstitution(LaunchConfiguration("a"), "true")', "true"),
        ('EqualsSubstitution("1.0", "1")', "true"),
        ('NotEqualsSubstitution(LaunchConfiguration("word"), "no")', "true"),
        ('NotSubstitution("true")', "false"),
        ('AndSubstitution("true", "0")', "false"),
        ('OrSubstitution("true", "0")', "true"),
        ('AllSubstitution("true", "1", "TRUE")', "true"),
        ('AnySubstitution("false", "0")', "false"),
        ('IfElseSubstitution(LaunchConfiguration("a"), "one", "other")', "one"),
        ('PythonExpression([LaunchConfiguration("a"), " + 2 * 3"])', "7"),
        ('FindPackageShare("mentor_bringup")', "/share/mentor_bringup"),
    ],
)
def test_substitutions(tmp_path: Path, message: str, result: str) -> None:
    text = said(tmp_path, message)
    assert text.endswith(result) if result.startswith("/") else text == result


def test_what_a_group_sets_stays_in_the_group(tmp_path: Path) -> None:
    group = 'GroupAction([SetLaunchConfiguration("a", "2"), SetEnvironmentVariable("E", "2")]),'
    message = 'LaunchConfiguration("a"), EnvironmentVariable("E", default_value="unset")'
    assert said(tmp_path, message, before=group) == "1unset"
    assert said(tmp_path, message, before=group.replace("])", "], scoped=False)")) == "22"


def test_a_group_whose_condition_fails_does_nothing(tmp_path: Path) -> None:
    group = (
        'GroupAction([SetLaunchConfiguration("a", "2")], scoped=False,'
        ' condition=UnlessCondition(EqualsSubstitution(LaunchConfiguration("word"), "yes"))),'
    )
    assert said(tmp_path, 'LaunchConfiguration("a")', before=group) == "1"
    assert said(tmp_path, 'LaunchConfiguration("a")', "word:=no", before=group) == "2"


def test_an_included_file_gets_its_arguments_and_shows_those_left_open(tmp_path: Path) -> None:
    launch_file(
        tmp_path,
        """
        DeclareLaunchArgument("given", description="by the including file"),
        DeclareLaunchArgument("open", default_value="o", description="left open"),
        LogInfo(msg=[LaunchConfiguration("given"), LaunchConfiguration("open")]),
        """,
        "inner.launch.py",
    )
    outer = launch_file(
        tmp_path,
        f"""
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource({str(tmp_path / "inner.launch.py")!r}),
            launch_arguments={{"given": "g"}}.items()),
        """,
    )
    status, output = run(outer, "open:=x", folder=tmp_path)
    assert status == 0
    assert "[launch.user]: gx" in output
    _, output = run(outer, "--show-args", folder=tmp_path)
    assert "'open':\n        left open\n        (default: 'o')" in output
    assert "given" not in output


def test_show_args_lists_description_default_and_choices(tmp_path: Path) -> None:
    entities = """
    DeclareLaunchArgument("robot", default_value="twin", description="Which body",
                          choices=["twin", "fci"]),
    DeclareLaunchArgument("needed", description="Something"),
    """
    status, output = run(launch_file(tmp_path, entities), "--show-args", folder=tmp_path)
    assert status == 0
    assert output == (
        "Arguments (pass arguments as '<name>:=<value>'):\n\n"
        "    'robot':\n        Which body. Valid choices are: ['twin', 'fci']\n"
        "        (default: 'twin')\n\n"
        "    'needed':\n        Something\n"
    )


def test_a_node_gets_name_namespace_parameters_and_remappings(tmp_path: Path) -> None:
    (tmp_path / "show").write_text('#!/bin/bash\necho "$@"; cat "${@: -3:1}"\n')
    (tmp_path / "show").chmod(0o755)
    entities = f"""
    DeclareLaunchArgument("rate", default_value="10"),
    PushROSNamespace("cell_a"),
    SetParameter("use_sim_time", True),
    SetRemap("/clock", "clock"),
    Node(executable={str(tmp_path / "show")!r}, name="n", namespace="inner", output="screen",
         arguments=["--flag"], ros_arguments=["--log-level", "debug"],
         parameters=[{{"rate": LaunchConfiguration("rate"),
                       "text": ParameterValue(LaunchConfiguration("rate"), value_type=str),
                       "real": ParameterValue(LaunchConfiguration("rate"), value_type=float),
                       "list": ["a", "b"], "nested": {{"deep": False}},
                       "empty": TextSubstitution(text="")}}]),
    """
    status, output = run(launch_file(tmp_path, entities), folder=tmp_path)
    assert status == 0, output
    lines = [
        line[len("[show-1] ") :] for line in output.splitlines() if line.startswith("[show-1] ")
    ]
    command, parameters = lines[0], yaml.safe_load("\n".join(lines[1:]))
    assert command.startswith("--flag --ros-args --log-level debug --ros-args -r __node:=n ")
    assert " -r __ns:=/cell_a/inner " in command
    assert " -p use_sim_time:=true " in command
    assert command.endswith(" -r /clock:=clock")
    assert parameters == {
        "/cell_a/inner/n": {
            "ros__parameters": {
                "rate": 10, "text": "10", "real": 10.0, "list": ["a", "b"],
                "nested.deep": False, "empty": "",
            }
        }
    }  # fmt: skip


def test_events_and_timers(tmp_path: Path) -> None:
    entities = """
    RegisterEventHandler(OnProcessStart(on_start=[LogInfo(msg="started")])),
    RegisterEventHandler(
        OnProcessExit(on_exit=lambda event, _: [LogInfo(msg=f"ended {event.returncode}")])),
    RegisterEventHandler(OnShutdown(on_shutdown=[LogInfo(msg="shutting down")])),
    TimerAction(period=0.3, actions=[ExecuteProcess(cmd=["true"], on_exit=[Shutdown()])]),
    """
    status, output = run(launch_file(tmp_path, entities), folder=tmp_path)
    assert status == 0
    order = [output.index(text) for text in ("started", "ended 0", "shutting down")]
    assert order == sorted(order)


def test_the_first_line_says_that_it_is_a_stand_in(tmp_path: Path) -> None:
    _, output = run(launch_file(tmp_path, ""), folder=tmp_path)
    assert "stand-in for `ros2 launch`" in output.splitlines()[0]


def test_the_stand_in_never_takes_the_place_of_a_real_launch(tmp_path: Path) -> None:
    (tmp_path / "launch").mkdir()
    (tmp_path / "launch" / "__init__.py").write_text("REAL = True\n")
    script = (
        "from mentor_bringup.runner.modules import provide_stand_in\n"
        "try:\n    provide_stand_in()\n"
        "except RuntimeError as error:\n    print(error)\n"
        "import launch; assert launch.REAL\n"
    )
    env = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ['PYTHONPATH']}"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
    )
    assert "a real launch is installed; the stand-in does not take its place" in done.stdout


def test_no_other_process_sees_the_stand_in() -> None:
    script = "import importlib.util as u, os; os.chdir('/'); print(u.find_spec('launch_ros'))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None"
