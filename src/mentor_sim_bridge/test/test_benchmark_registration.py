"""Every environment is found by its id, in any process, at no cost to who does not want it."""

from __future__ import annotations

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


def test_plain_gymnasium_finds_a_task_by_id() -> None:
    out = run(
        "import gymnasium; env = gymnasium.make('mentor/dmc-reacher_easy-v0');"
        "print(env.reset(seed=0)[0].shape)"
    )
    assert out.strip() == "(9, 84, 84)"


def test_naming_the_environments_imports_no_simulator() -> None:
    out = run(
        "import gymnasium, sys;"
        "assert 'mentor/dmc-dog_walk-v0' in gymnasium.registry;"
        "print([m for m in ('mujoco', 'dm_control', 'metaworld') if m in sys.modules])"
    )
    assert out.strip() == "[]"


def test_the_entry_point_names_the_environments_too() -> None:
    out = run(
        "import importlib.metadata as m, sys;"
        "point, = [e for e in m.entry_points(group='gymnasium.envs')"
        "          if e.value.startswith('mentor_sim_bridge')];"
        "point.load()(); point.load()();"
        "import gymnasium; print('mentor/adroit-door-v0' in gymnasium.registry)"
    )
    assert out.strip() == "True"


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
