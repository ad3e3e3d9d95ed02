"""Every environment is found by its id after one import, at no cost to who does not want it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mentor_sim_bridge.benchmarks import names


def run(code: str) -> str:
    """Runs Python code in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_import_registers_the_ids_and_no_simulator_is_imported_for_it() -> None:
    out = run(
        "import gymnasium, mentor_common.env, sys;"
        "print([m for m in ('rclpy', 'mujoco', 'dm_control', 'metaworld') if m in sys.modules]);"
        "env = gymnasium.make('mentor/dmc-reacher_easy-v0');"
        "print(env.reset(seed=0)[0].shape)"
    )
    assert out.split("\n")[:2] == ["[]", "(9, 84, 84)"]


def test_an_id_that_names_the_module_needs_no_import() -> None:
    out = run(
        "import gymnasium; env = gymnasium.make('mentor_common.env:mentor/dmc-reacher_easy-v0');"
        "print(sorted(n for n in gymnasium.registry if n.startswith('mentor/cable')))"
    )
    assert "'mentor/cable_routing-v0'" in out and "'mentor/cable_routing_classified-v0'" in out


def test_a_python_process_that_wants_no_environment_imports_nothing_of_the_stack() -> None:
    out = run("import sys; print([m for m in sys.modules if m.startswith(('mentor', 'gym'))])")
    assert out.strip() == "[]"


def test_the_names_of_dmc_are_those_of_the_suite() -> None:
    from dm_control import suite

    ours = {(domain, task) for domain, tasks in names.DMC.items() for task in tasks}
    assert ours == set(suite.ALL_TASKS)


def test_the_names_of_metaworld_are_those_of_the_suite() -> None:
    from metaworld import ALL_V3_ENVIRONMENTS

    assert {f"{name}-v3" for name in names.METAWORLD} == set(ALL_V3_ENVIRONMENTS)


def test_the_command_lists_the_papers_fourteen() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mentor_sim_bridge", "list", "--paper"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert len(done.stdout.split()) == 14


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["show", "mentor/dmc-hopper_hopp-v0", "--out", "/tmp/x.png"], "hopper_hopp"),
        (["show", "dmc-hopper_hop", "--camera", "nose", "--out", "/tmp/x.png"], "nose"),
        (["play", "dmc-hopper_hop", "--policy", "scripted"], "scripted expert"),
        (["play", "dmc-hopper_hop", "--episodes", "0"], "--episodes: '0' must be from 1"),
        (["play", "dmc-hopper_hop", "--seed", "-1"], "--seed: '-1' must be from 0"),
        (["show", "dmc-hopper_hop", "--across", "0", "--out", "x.png"], "--across: '0' must"),
        (["show", "dmc-hopper_hop", "--columns", "0", "--out", "x.png"], "--columns: '0' must"),
        (["show", "dmc-hopper_hop", "--colours", "300", "--out", "x.png"], "from 0 to 256"),
        (["show", "dmc-hopper_hop", "--out", "/proc/x.png"], "folder /proc cannot be written"),
        (["show", "dmc-hopper_hop", "--out", "/tmp"], "--out: /tmp is a folder"),
        (["play", "dmc-hopper_hop", "--video", "/proc/x.mp4"], "folder /proc cannot be written"),
    ],
)
def test_the_command_names_what_is_wrong(arguments: list[str], word: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mentor_sim_bridge", *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_plays_the_expert_of_a_twin() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mentor_sim_bridge", "play", "cable_routing", "--policy", "scripted",
         "--steps", "2"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 2
