"""The stand-in takes the place of no real `launch`, and holds in its own process only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from running_launch import launch_file, run


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


def test_a_launch_with_the_folder_of_a_complete_run_logs_beside_it(tmp_path: Path) -> None:
    script = (
        "import json, pathlib, runpy, sys, types\n"
        "from mentor_bringup.runner.modules import provide_stand_in\n"
        "provide_stand_in()\n"
        "choose = runpy.run_path(sys.argv[1])['choose_log_folder']\n"
        "run = pathlib.Path(sys.argv[2]); run.mkdir()\n"
        "texts = [None, 'x', *(json.dumps({'complete': done}) for done in (False, True))]\n"
        "for text in texts:\n"
        "    if text is not None:\n        (run / 'summary.json').write_text(text)\n"
        "    made = types.SimpleNamespace(launch_configurations={'run_dir': f'{run}/'})\n"
        "    print(choose(made)[0].value)\n"
    )
    file = Path(__file__).parents[1] / "parts" / "policy_arguments.launch.py"
    run_folder = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-c", script, file, run_folder], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [f"{run_folder}/logs"] * 3 + [f"{run_folder}.logs"]


def test_a_launch_file_itself_refuses_a_wrong_argument_where_ros2_launch_would_not(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "fifo")
    script = (
        "import os, runpy, sys, types\n"
        "from mentor_bringup.runner.modules import provide_stand_in\n"
        "provide_stand_in()\n"
        "check = runpy.run_path(sys.argv[1])['check_arguments']\n"
        "declared = [types.SimpleNamespace(name=name) for name in ('agent', 'params_file')]\n"
        "event = types.SimpleNamespace(launch_description=types.SimpleNamespace(\n"
        "    get_launch_arguments=lambda: declared))\n"
        "for argument, file in (('agnet:=random', os.devnull), ('agent:=random', sys.argv[2]),\n"
        "                       ('agent:=random', sys.argv[2] + 'missing')):\n"
        "    context = types.SimpleNamespace(argv=[argument],\n"
        "        launch_configurations={'params_file': file},\n"
        "        get_locals_as_dict=lambda: {'event': event})\n"
        "    try:\n        check(context)\n"
        "    except RuntimeError as error:\n        print(error)\n"
    )
    file = Path(__file__).parents[1] / "parts" / "every_node.launch.py"
    done = subprocess.run(
        [sys.executable, "-c", script, file, tmp_path / "fifo"],
        capture_output=True, text=True, check=True, timeout=60.0,
    )  # fmt: skip
    unknown, fifo, missing = done.stdout.splitlines()
    assert "no launch argument 'agnet'; did you mean 'agent'? known: agent, params_file" in unknown
    assert fifo.endswith("/fifo is not a regular file")
    assert missing.endswith("/fifomissing: No such file or directory")


def test_no_other_process_sees_the_stand_in() -> None:
    script = "import importlib.util as u, os; os.chdir('/'); print(u.find_spec('launch_ros'))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None"
