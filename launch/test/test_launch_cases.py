"""What `ros2 launch` does, case by case: the stand-in equals it.

Each case runs with the runner. Where a ROS 2 distribution is sourced, the runner uses its launch
service, and each case runs with plain `ros2 launch` too. Longer than 350 lines: one table of cases.
"""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest
import yaml
from running_launch import LAUNCHERS, Launcher, RunningLaunch, launch_file, run

pytestmark = pytest.mark.parametrize("launcher", LAUNCHERS, ids=lambda launcher: launcher.name)


def logged(
    folder: Path, launcher: Launcher, entities: str, *arguments: str, before: str = ""
) -> list[str]:
    """Return what the LogInfo actions of a launch file have logged."""
    path = launch_file(folder, entities, before=before)
    status, output = run(path, *arguments, folder=folder, launcher=launcher)
    assert status == 0, output
    return re.findall(r"^\[INFO\] \[launch\.user\]: (.*)$", output, re.MULTILINE)


def failure(folder: Path, launcher: Launcher, entities: str, *arguments: str) -> str:
    """Return the output of a launch that must fail before it starts a process."""
    path = launch_file(folder, 'ExecuteProcess(cmd=["sleep", "60"]),' + entities)
    status, output = run(path, *arguments, folder=folder, launcher=launcher)
    assert status == 1, output
    assert "Traceback" not in output and "process started" not in output
    return output


# ---- substitutions ----


def test_substitutions(launcher: Launcher, tmp_path: Path) -> None:
    cases = {
        '"a is ", LaunchConfiguration("a")': "a is 1",
        'LaunchConfiguration("b", default="none")': "none",
        'TextSubstitution(text="plain")': "plain",
        'PathJoinSubstitution(["x", LaunchConfiguration("a"), "y"])': "x/1/y",
        'EnvironmentVariable("NOT_SET", default_value="d")': "d",
        'EqualsSubstitution(LaunchConfiguration("a"), 1)': "true",
        'EqualsSubstitution(LaunchConfiguration("a"), "true")': "true",
        'EqualsSubstitution("1.0", "1")': "true",
        'NotEqualsSubstitution(LaunchConfiguration("word"), "no")': "true",
        'NotSubstitution("true")': "false",
        'AndSubstitution("true", "0")': "false",
        'OrSubstitution("true", "0")': "true",
        'IfElseSubstitution(LaunchConfiguration("a"), "one", "other")': "one",
        'IfElseSubstitution("0", if_value="x", else_value=[LaunchConfiguration("a"), "y"])': "1y",
    }
    entities = 'DeclareLaunchArgument("a", default_value="1"), SetLaunchConfiguration("word", "y"),'
    entities += ",".join(f"LogInfo(msg=[{case}])" for case in cases)
    entities += ', LogInfo(msg=[FindPackageShare("mentor_bringup")])'
    *texts, share = logged(tmp_path, launcher, entities)
    assert texts == list(cases.values())
    assert share.endswith("/share/mentor_bringup")


# ---- include ----

INNER = """
    DeclareLaunchArgument("given", description="by the including file"),
    DeclareLaunchArgument("open", default_value="o", description="left open"),
    SetLaunchConfiguration("left", "l"), SetEnvironmentVariable("LEFT", "e"),
    LogInfo(msg=["in ", LaunchConfiguration("given"), LaunchConfiguration("open")]),
"""
AFTER = """
    LogInfo(msg=["after ", LaunchConfiguration("given", default="-"),
                 LaunchConfiguration("open", default="-"), LaunchConfiguration("left", default="-"),
                 EnvironmentVariable("LEFT", default_value="-")]),
"""


def including(folder: Path, condition: str = "true") -> str:
    """Return an action that includes a file and gives one of its two arguments."""
    inner = launch_file(folder, INNER, "inner.launch.py")
    return f"""IncludeLaunchDescription(PythonLaunchDescriptionSource({str(inner)!r}),
        launch_arguments={{"given": "g"}}.items(), condition=IfCondition("{condition}")),"""


def test_what_an_included_file_sets_holds_afterwards_too(
    launcher: Launcher, tmp_path: Path
) -> None:
    assert logged(tmp_path, launcher, including(tmp_path) + AFTER) == ["in go", "after gole"]


def test_what_a_group_sets_is_forgotten_unless_it_is_not_scoped(
    launcher: Launcher, tmp_path: Path
) -> None:
    group = f"GroupAction([{including(tmp_path)}])," + AFTER
    assert logged(tmp_path, launcher, group) == ["in go", "after ----"]
    group = f"GroupAction([{including(tmp_path)}], scoped=False)," + AFTER
    assert logged(tmp_path, launcher, group) == ["in go", "after gole"]


def test_an_argument_that_the_including_file_gives_wins_over_the_user_s(
    launcher: Launcher, tmp_path: Path
) -> None:
    said = logged(tmp_path, launcher, including(tmp_path), "given:=u", "open:=u")
    assert said == ["in gu"]


def test_what_an_included_file_needs_the_including_file_must_give_itself(
    launcher: Launcher, tmp_path: Path
) -> None:
    needy = launch_file(tmp_path, 'DeclareLaunchArgument("must"), LogInfo(msg="in"),', "needy.py")
    source = f"PythonLaunchDescriptionSource({str(needy)!r})"
    said = failure(tmp_path, launcher, f"IncludeLaunchDescription({source}),", "must:=1")
    assert "Included launch description missing required argument 'must'" in said
    giving = f'IncludeLaunchDescription({source}, launch_arguments={{"must": "1"}}.items()),'
    middle = launch_file(tmp_path, giving, "middle.launch.py")
    around = f"IncludeLaunchDescription(PythonLaunchDescriptionSource({str(middle)!r})),"
    assert logged(tmp_path, launcher, around) == ["in"]


def test_a_file_or_package_that_is_included_under_a_false_condition_may_be_missing(
    launcher: Launcher, tmp_path: Path
) -> None:
    missing = """
    DeclareLaunchArgument("rehearsal", default_value="false", choices=["true", "false"]),
    IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution([FindPackageShare("no_such_package"), "x.launch.py"])),
        condition=IfCondition(LaunchConfiguration("rehearsal"))),
    Node(package="no_such_package", executable="x",
         condition=IfCondition(LaunchConfiguration("rehearsal"))),
    """
    assert logged(tmp_path, launcher, missing + 'LogInfo(msg="goes on")') == ["goes on"]
    status, output = run(
        tmp_path / "some.launch.py", "rehearsal:=true", folder=tmp_path, launcher=launcher
    )
    assert status == 1 and "no_such_package" in output and "Traceback" not in output


def test_an_included_file_that_is_missing_fails_the_launch(
    launcher: Launcher, tmp_path: Path
) -> None:
    missing = 'IncludeLaunchDescription(PythonLaunchDescriptionSource("/no/such.launch.py")),'
    assert "/no/such.launch.py" in failure(tmp_path, launcher, missing)


# ---- arguments ----


def test_show_args_lists_names_descriptions_defaults_choices_and_conditions(
    launcher: Launcher, tmp_path: Path
) -> None:
    entities = """
    DeclareLaunchArgument("robot", default_value="twin", description="Which body",
                          choices=["twin", "fci"]),
    DeclareLaunchArgument("needed", description="Something"),
    DeclareLaunchArgument("bare"),
    DeclareLaunchArgument("open", default_value="first", description="the first one counts"),
    DeclareLaunchArgument("path", description="computed", default_value=PathJoinSubstitution(
        [FindPackageShare("mentor_bringup"), "x", LaunchConfiguration("robot")])),
    DeclareLaunchArgument("name", description="joined", default_value=[
        "runs/", LaunchConfiguration("robot"), EnvironmentVariable("USER")]),
    DeclareLaunchArgument("late", default_value="", condition=IfCondition("false")),
    GroupAction([DeclareLaunchArgument("within")], condition=IfCondition("false")),
    """
    path = launch_file(tmp_path, entities + including(tmp_path, "false"))
    status, output = run(path, "--show-args", folder=tmp_path, launcher=launcher)
    assert status == 0
    assert output == (
        "Arguments (pass arguments as '<name>:=<value>'):\n\n"
        "    'robot':\n        Which body. Valid choices are: ['twin', 'fci']\n"
        "        (default: 'twin')\n\n"
        "    'needed':\n        Something\n\n"
        "    'bare':\n        no description given\n\n"
        "    'open':\n        the first one counts\n        (default: 'first')\n\n"
        "    'path':\n        computed\n"
        "        (default: PathJoin('FindPackageShare(pkg='mentor_bringup') + 'x' + "
        "LaunchConfig('robot')'))\n\n"
        "    'name':\n        joined\n"
        "        (default: 'runs/' + LaunchConfig('robot') + EnvVar('USER'))\n\n"
        "    'late':*\n        no description given\n        (default: '')\n\n"
        "    'within':*\n        no description given\n\n"
        "    'given':\n        by the including file\n\n"
        "* argument(s) which are only used if specific conditions occur\n"
    )
    _, output = run(launch_file(tmp_path, ""), "-s", folder=tmp_path, launcher=launcher)
    assert output == "Arguments (pass arguments as '<name>:=<value>'):\n\n  No arguments.\n"


def test_the_last_of_an_argument_s_values_counts_and_none_is_empty(
    launcher: Launcher, tmp_path: Path
) -> None:
    entities = 'DeclareLaunchArgument("a", default_value="1"),'
    entities += 'LogInfo(msg=["a ", LaunchConfiguration("a")]),'
    assert logged(tmp_path, launcher, entities, "a:=2", "a:=3:=4") == ["a 3:=4"]
    assert "malformed" in failure(tmp_path, launcher, entities, "a:=")


@pytest.mark.parametrize(
    ("entities", "arguments", "named"),
    [
        ('DeclareLaunchArgument("seed"),', (), "seed"),
        ('DeclareLaunchArgument("mode", default_value="train", choices=["train", "eval"]),',
         ("mode:=evil",), "evil"),
        ('LogInfo(msg=LaunchConfiguration("nothing")),', (), "nothing"),
        ('LogInfo(msg=EnvironmentVariable("NO_SUCH_VARIABLE")),', (), "NO_SUCH_VARIABLE"),
        ('LogInfo(msg="x", condition=IfCondition("maybe")),', (), "maybe"),
        ('PushROSNamespace("1cell"),', (), "1cell"),
        ('Node(package="no_such_package", executable="x"),', (), "no_such_package"),
        ('Node(package="mentor_policy", executable="policy"),', (), "policy"),
        ('Node(package="mentor_policy", executable="policy_node", parameters=[{"max_steps":'
         ' ParameterValue(TextSubstitution(text="abc"), value_type=int)}]),', (), "abc"),
        ("OpaqueFunction(function=lambda context: 1 / 0),", (), "division by zero"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named_and_fails_the_launch_before_any_process(
    launcher: Launcher, tmp_path: Path, entities: str, arguments: tuple[str, ...], named: str
) -> None:
    assert named in failure(tmp_path, launcher, entities, *arguments)


# ---- nodes ----


def test_a_node_gets_name_namespace_parameters_and_remappings(
    launcher: Launcher, tmp_path: Path
) -> None:
    show = tmp_path / "show"
    show.write_text(
        '#!/bin/bash\necho "$@"; while [ $# -gt 0 ]; do\n'
        '  if [ "$1" = --params-file ]; then cat "$2"; fi; shift; done\n'
    )
    show.chmod(0o755)
    entities = f"""
    DeclareLaunchArgument("rate", default_value="10"),
    DeclareLaunchArgument("namespace", default_value=""),
    PushROSNamespace(LaunchConfiguration("namespace")),
    SetParameter("use_sim_time", True),
    SetRemap("/clock", "clock"),
    Node(executable={str(show)!r}, name="n", namespace="inner", output="screen",
         arguments=["--flag"], ros_arguments=["--log-level", "debug"],
         parameters=[{{"rate": LaunchConfiguration("rate"),
                       "text": ParameterValue(LaunchConfiguration("rate"), value_type=str),
                       "real": ParameterValue(LaunchConfiguration("rate"), value_type=float),
                       "list": ["a", "b"], "nested": {{"deep": False}},
                       "empty": TextSubstitution(text="")}}]),
    """
    path = launch_file(tmp_path, entities)
    for argument, namespace in (("namespace:=cell_a", "/cell_a/inner"), ("rate:=10", "/inner")):
        status, output = run(path, argument, folder=tmp_path, launcher=launcher)
        assert status == 0, output
        lines = [line[9:] for line in output.splitlines() if line.startswith("[show-1] ")]
        written = "\n".join(lines[1:]).replace("!!python/tuple", "")  # how the real one writes
        command, parameters = lines[0], yaml.safe_load(written)
        assert command.startswith("--flag --ros-args --log-level debug --ros-args ")
        for part in (" -r __node:=n ", f" -r __ns:={namespace} ", " -p use_sim_time:=true"):
            assert part in command.replace(":=True", ":=true")
        assert command.endswith(" -r /clock:=clock")
        assert parameters == {
            f"{namespace}/n": {
                "ros__parameters": {
                    "rate": 10, "text": "10", "real": 10.0, "list": ["a", "b"],
                    "nested.deep": False, "empty": "",
                }
            }
        }  # fmt: skip


def test_without_a_namespace_a_node_gets_none(launcher: Launcher, tmp_path: Path) -> None:
    entities = """
    PushROSNamespace(""),
    Node(executable="/bin/echo", arguments=["I am"], output="screen"),
    """
    status, output = run(launch_file(tmp_path, entities), folder=tmp_path, launcher=launcher)
    assert status == 0 and "[echo-1] I am" in output
    assert "__ns:=/cell" not in output and "__ns:= " not in output


# ---- processes ----


def process(script: str, name: str, **keywords: str) -> str:
    """Return an action that starts a shell script."""
    more = "".join(f", {key}={value}" for key, value in keywords.items())
    return f'ExecuteProcess(cmd=["bash", "-c", {script!r}], name="{name}", output="screen"{more}),'


SLEEPER = process("sleep 1000", "sleeper")


def test_a_process_is_started_again_under_its_name_until_the_launch_ends(
    launcher: Launcher, tmp_path: Path
) -> None:
    phoenix = process(
        "echo birth $$; exit 3", "phoenix", respawn='LaunchConfiguration("respawn")',
        respawn_delay="0.05", on_exit='[LogInfo(msg="gone")]',
    )  # fmt: skip
    entities = 'DeclareLaunchArgument("respawn", default_value="true"),' + phoenix
    path = launch_file(tmp_path, entities)
    launch = RunningLaunch(path, folder=tmp_path, launcher=launcher)
    launch.wait_for("[phoenix-1] birth", times=3)
    launch.wait_for("[launch.user]: gone", times=2)
    launch.end(signal.SIGINT)
    births = re.findall(r"\[phoenix-1\] birth (\d+)", launch.output)
    assert len(set(births)) == len(births) >= 3
    _, output = run(path, "respawn:=false", folder=tmp_path, launcher=launcher)  # ends by itself
    assert output.count("[phoenix-1] birth") == output.count("[launch.user]: gone") == 1


def test_a_required_process_ends_the_launch(launcher: Launcher, tmp_path: Path) -> None:
    for code in (0, 7):
        needed = process(f"sleep 0.2; exit {code}", "needed", on_exit="[Shutdown()]")
        path = launch_file(tmp_path, SLEEPER + needed)
        status, output = run(path, folder=tmp_path, launcher=launcher)
        assert "process[needed-2] was required" in output
        assert status == (code if launcher.gives_status else 0)


def test_an_error_that_a_reaction_raises_fails_the_launch_and_ends_its_processes(
    launcher: Launcher, tmp_path: Path
) -> None:
    before = """
    def fail(event, context):
        if event.returncode and not context.is_shutdown:
            required = [type(action).__name__ for action in event.action.get_sub_entities()]
            raise RuntimeError(f"{event.process_name} ended with {event.returncode} {required}")
    """
    needed = process("sleep 0.2; exit 7", "needed", on_exit="[Shutdown()]")
    entities = "RegisterEventHandler(OnProcessExit(on_exit=fail))," + SLEEPER + needed
    path = launch_file(tmp_path, entities, before=before)
    status, output = run(path, folder=tmp_path, launcher=launcher)
    assert status == (7 if launcher.gives_status else 1)
    assert "needed-2 ended with 7 ['Shutdown']" in output
    assert "process has died [pid" in output and "[sleeper-1]" in output


def test_a_process_that_is_not_required_may_die(launcher: Launcher, tmp_path: Path) -> None:
    entities = process("exit 3", "optional")
    entities += process("sleep 1; echo still here", "needed", on_exit="[Shutdown()]")
    status, output = run(launch_file(tmp_path, entities), folder=tmp_path, launcher=launcher)
    assert status == 0
    assert "[needed-2] still here" in output


def test_the_function_of_an_argument_check_sees_what_was_given_and_declared(
    launcher: Launcher, tmp_path: Path
) -> None:
    before = """
    def check(context):
        description = context.get_locals_as_dict()["event"].launch_description
        known = [argument.name for argument in description.get_launch_arguments()]
        value = context.launch_configurations["a"]
        return [LogInfo(msg=f"{sorted(context.argv)} {known} {value}")]
    """
    entities = 'DeclareLaunchArgument("a", default_value="1"), DeclareLaunchArgument("b"),'
    entities += "OpaqueFunction(function=check),"
    assert logged(tmp_path, launcher, entities, "b:=3", before=before) == ["['b:=3'] ['a', 'b'] 1"]


STUBBORN = "trap '' INT TERM; echo ready; while true; do sleep 0.1; done"
SAVING = "trap 'sleep 0.5; echo saved; exit 0' INT; echo ready; while true; do sleep 0.1; done"


def test_sigint_goes_on_to_sigterm_and_to_sigkill(launcher: Launcher, tmp_path: Path) -> None:
    timeouts = {"sigterm_timeout": '"1.0"', "sigkill_timeout": '"0.5"'}
    entities = process(SAVING, "saver") + process(STUBBORN, "stubborn", **timeouts)
    launch = RunningLaunch(launch_file(tmp_path, entities), folder=tmp_path, launcher=launcher)
    launch.wait_for("ready", times=2)
    status = launch.end(signal.SIGINT)
    assert "[saver-1] saved" in launch.output
    assert "[saver-1]: process has finished cleanly" in launch.output
    assert status == (130 if launcher.gives_status else 0)
    order = [launch.output.index(f"process[stubborn-2] {text}") for text in ESCALATIONS]
    assert order == sorted(order)
    assert re.search(r"\[stubborn-2\]: process has died \[pid \d+, exit code -9", launch.output)


ESCALATIONS = [
    "failed to terminate '1.0' seconds after receiving 'SIGINT', escalating to 'SIGTERM'",
    "failed to terminate '1.5' seconds after receiving 'SIGTERM', escalating to 'SIGKILL'",
]


def test_what_sigterm_leaves_running_only_ros2_launch_itself_leaves(
    launcher: Launcher, tmp_path: Path
) -> None:
    """So a node must notice by itself that its launch is gone."""
    path = launch_file(tmp_path, process(f"{{ {SAVING}; }} > {tmp_path}/saved", "saver"))
    launch = RunningLaunch(path, folder=tmp_path, launcher=launcher)
    launch.wait_for("process started with pid")
    pid = int(re.findall(r"started with pid \[(\d+)\]", launch.output)[0])
    saved = tmp_path / "saved"
    until = time.monotonic() + 60.0
    while not saved.exists() or "ready" not in saved.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    status = launch.end(signal.SIGTERM)
    running = Path(f"/proc/{pid}").exists()
    if launcher.gives_status:
        assert status == 143 and not running
        assert saved.read_text() == "ready\nsaved\n"
    else:
        assert status in (1, -signal.SIGTERM) and running
        os.kill(pid, signal.SIGKILL)
