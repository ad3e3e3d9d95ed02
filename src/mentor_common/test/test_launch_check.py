"""What a cell is launched with is checked before its nodes: task file, cell file, reset options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mentor_common.tasks.task import TASK_PATH, TaskError, find_task

ROOT = Path(__file__).parents[3]
TASKS = ROOT / "launch" / "tasks"
EXAMPLE = str(ROOT / "cells" / "example.yaml")


def checked(*arguments: str, **env: str) -> tuple[int, str]:
    """Check as a launch file does; return the status and the refusal."""
    command = [sys.executable, "-m", "mentor_common.cell.launch_check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | env)
    return done.returncode, done.stderr


def test_a_task_path_that_does_not_exist_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task of the next folder would run, with limits that nobody meant."""
    monkeypatch.setenv(TASK_PATH, f"{TASKS}:{tmp_path}/mistyped")
    with pytest.raises(TaskError, match=f"{TASK_PATH}: folder {tmp_path}/mistyped does not exist"):
        find_task("cable_routing")


def test_what_is_right_is_passed() -> None:
    assert checked("cable_routing", EXAMPLE, "") == (0, "")
    assert checked("peg_insertion", "", '{"peg": "star"}') == (0, "")


@pytest.mark.parametrize(
    ("task", "cell", "options", "said"),
    [
        ("cable_routing", "name: a\nrobot: {adress: x}", "", "robot.adress"),
        ("cable_routing", "", '{"peg": "star"}',
         "reset_options:= of task cable_routing: option 'peg' is unknown; known: none"),
        ("peg_insertion", "", '{"peg": "moon"}', "option 'peg': 'moon' is unknown; known: star"),
        ("cable", "", "", "task 'cable' is unknown; known: ['cable_routing'"),
    ],
)  # fmt: skip
def test_what_a_node_would_refuse_is_refused_in_one_line(
    tmp_path: Path, task: str, cell: str, options: str, said: str
) -> None:
    if cell:
        (tmp_path / "mine.yaml").write_text(cell)
        cell = str(tmp_path / "mine.yaml")
    status, refusal = checked(task, cell, options)
    assert status == 2 and said in refusal and refusal.count("\n") == 1


def test_a_copy_of_a_task_file_with_a_mistake_is_refused(tmp_path: Path) -> None:
    text = (TASKS / "cable_routing.yaml").read_text()
    (tmp_path / "cable_routing.yaml").write_text(text.replace("description:", "descriptoin:"))
    status, refusal = checked("cable_routing", "", "", **{TASK_PATH: str(tmp_path)})
    assert status == 2 and f"{tmp_path}/cable_routing.yaml" in refusal


def test_a_cell_file_that_does_not_exist_is_named_once(tmp_path: Path) -> None:
    missing = f"{tmp_path}/none.yaml"
    status, refusal = checked("cable_routing", missing, "")
    assert status == 2 and refusal.count(missing) == 1
    assert f"cell file {missing} cannot be read: No such file or directory; cells/ex" in refusal
