"""Whoever keeps a run folder gets the options of the cell's resets, to record them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LAUNCH = Path(__file__).parents[1]
STAR = '{"peg": "star"}'
SCRIPT = """
import runpy, sys
from mentor_bringup.runner.modules import provide_stand_in
provide_stand_in()
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.node import Node
from mentor_bringup.runner.parameters import evaluate_values
file, executable, *given = sys.argv[1:]
names = ("agent", "preset", "overrides", "run_dir", "max_steps", "seed", "device", "mode",
         "checkpoint", "episodes", "bags", "offline_updates", "synchronous", "learner")
arguments = dict.fromkeys(names, "1") | dict(text.split(":=", 1) for text in given)
context = LaunchContext(launch_configurations=arguments)
for entity in runpy.run_path(file)["generate_launch_description"]().entities:
    if isinstance(entity, Node) and entity.executable == executable:
        print(evaluate_values(context, entity.parameters[0])["reset_options"])
"""


@pytest.mark.parametrize(
    ("file", "executable", "given", "recorded"),
    [
        ("parts/policy.launch.py", "policy_node", [f"reset_options:={STAR}"], STAR),
        ("parts/policy.launch.py", "policy_node", ["reset_options:="], "{}"),
        ("parts/policy.launch.py", "policy_node", [], "{}"),  # a benchmark has no such argument
        ("learner.launch.py", "learner_node", [f"reset_options:={STAR}"], STAR),
        ("learner.launch.py", "learner_node", ["reset_options:="], ""),  # it is not known there
    ],
)
def test_the_node_that_keeps_the_run_folder_gets_the_options_of_the_resets(
    file: str, executable: str, given: list[str], recorded: str
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(LAUNCH / file), executable, *given]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.rstrip("\n") == recorded, done.stderr
    assert not recorded or isinstance(json.loads(recorded), dict)
    assert done.returncode == 0
