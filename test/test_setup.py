"""The set-up says what it lacks, and finds what an interruption has left half done."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import Distribution
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def setup_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "setup" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install(folder: Path, record: str | None) -> Distribution:
    """Install a package of one file of 5 bytes; `record` None: interrupted before the record."""
    metadata = folder / "thing-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (folder / "thing.py").write_text("a = 1")
    if record is not None:
        (metadata / "RECORD").write_text(record)
    return Distribution.at(metadata)


def test_a_package_is_whole_only_with_all_its_files_in_full_size(tmp_path: Path) -> None:
    is_whole = setup_script("remove_half_installed").is_whole
    assert is_whole(install(tmp_path / "whole", "thing.py,,5\n"))
    assert not is_whole(install(tmp_path / "no_record", None))
    assert not is_whole(install(tmp_path / "short", "thing.py,,6\n"))
    assert not is_whole(install(tmp_path / "missing", "thing.py,,5\nother.py,,1\n"))


def program(folder: Path, name: str, script: str) -> None:
    """Put a program on the way that answers as another machine would."""
    path = folder / name
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


def system_packages(folder: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = [ROOT / "setup" / "apt.sh", sys.executable]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)


def test_without_root_the_exact_command_is_printed_and_it_stops(tmp_path: Path) -> None:
    program(tmp_path, "id", "echo 1000")
    program(tmp_path, "dpkg-query", '[[ "$*" == *libegl1 ]] || echo "install ok installed"')
    done = system_packages(tmp_path)
    assert done.returncode == 1
    assert (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends libegl1\n"
        in done.stderr
    )


def test_as_root_what_is_missing_is_installed_and_nothing_else(tmp_path: Path) -> None:
    program(tmp_path, "id", "echo 0")
    program(tmp_path, "dpkg-query", '[[ "$*" == *libegl1 ]] || echo "install ok installed"')
    program(tmp_path, "apt-get", f'echo "$*" >> {tmp_path}/asked')
    assert system_packages(tmp_path).returncode == 0
    assert (tmp_path / "asked").read_text() == (
        "update\ninstall -y --no-install-recommends libegl1\n"
    )


def test_a_python_that_does_not_fit_is_refused_with_the_way_out_before_anything_is_made(
    tmp_path: Path,
) -> None:
    program(tmp_path, "python3", 'if [ "$1" = -V ]; then echo Python 3.10.12; else exit 1; fi')
    command = [ROOT / "setup" / "venv.sh", tmp_path / "python3", ".venv", "requirements.txt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and not (tmp_path / ".venv").exists()
    assert "Python 3.11 to 3.13 is needed" in done.stderr and "is Python 3.10.12" in done.stderr
    assert "make PYTHON=python3.12" in done.stderr


def test_keys_and_runs_are_copied_into_no_container() -> None:
    """Nothing that git ignores at the root of the tree is."""
    left_out = set((ROOT / ".dockerignore").read_text().splitlines())
    ignored = re.findall(r"^/(.+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE)
    assert {"keystore", "runs"} <= set(ignored) <= left_out


def test_a_step_that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    script = "for i in $(seq 100); do echo line $i; done; exit 3"
    command = [ROOT / "setup" / "quietly.sh", "thing: all of it", "log.txt", "bash", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stdout == "set-up: thing: all of it ...\n"
    assert "thing failed with status 3; the end of log.txt" in done.stderr
    assert "| line 100\n" in done.stderr
    assert "line 50\n" not in done.stderr


def test_make_alone_says_what_there_is() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("launch", "test", "bench", "soak", "lint", "format", "clean"):
        assert f"make {target}" in shown


def test_make_bench_runs_no_script_that_needs_arguments() -> None:
    scripts = sorted((ROOT / "bench").glob("*.py"))
    assert scripts
    for script in scripts:
        for node in ast.walk(ast.parse(script.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
                name = ast.literal_eval(node.args[0])
                optional = any(
                    k.arg == "nargs" and ast.unparse(k.value) in ("'?'", "'*'")
                    for k in node.keywords
                )
                assert name.startswith("-") or optional, f"{script.name} needs {name}"


def test_a_benchmark_that_fails_or_hangs_does_not_keep_the_next_from_running(
    tmp_path: Path,
) -> None:
    (tmp_path / "failing.py").write_text("raise SystemExit('no camera')")
    (tmp_path / "hanging.py").write_text("import time\ntime.sleep(600)")
    (tmp_path / "last.py").write_text("print('measured')")
    command = ["bash", str(ROOT / "setup" / "bench.sh"), "failing.py", "hanging.py", "last.py"]
    env = {**os.environ, "MENTOR_BENCH_LIMIT": "2"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == "measured\n"
    assert "bench: failed: failing.py hanging.py" in done.stderr


@pytest.mark.parametrize("script", ["test.sh", "test_processors.sh", "bench.sh"])
def test_ctrl_c_ends_all_of_it_where_what_runs_handles_it_itself(
    tmp_path: Path, script: str
) -> None:
    runs = tmp_path / "runs"
    program(tmp_path, "python", f"echo run >>{runs}; trap 'exit 2' INT; sleep 60 & wait")
    called = subprocess.Popen(
        ["bash", str(ROOT / "setup" / script), "one", "two"],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 60.0
    while not runs.exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)  # until it traps the signal
    os.killpg(called.pid, signal.SIGINT)
    try:
        assert called.wait(20.0) == 130 and runs.read_text() == "run\n"
    finally:
        if called.poll() is None:
            os.killpg(called.pid, signal.SIGKILL)


def enter(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Source setup/env.sh of a workspace in this folder; print what its environment prints."""
    env = {name: value for name, value in os.environ.items() if name != "MENTOR_VENV"} | variables
    (folder / "setup").mkdir(exist_ok=True)
    (folder / "setup" / "env.sh").write_text((ROOT / "setup" / "env.sh").read_text())
    command = ["bash", "-c", f"source '{folder}/setup/env.sh' && echo in the workspace"]
    return subprocess.run(command, env=env, capture_output=True, text=True)


def test_a_shell_enters_the_environment_that_make_has_made_for_the_sourced_distribution(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "my workspace"
    for name in (".venv", ".venv-jazzy"):
        (folder / name / "bin").mkdir(parents=True)
        (folder / name / "bin" / "activate").write_text(f"echo {name}")
    assert enter(folder, ROS_DISTRO="jazzy").stdout == ".venv-jazzy\nin the workspace\n"
    assert enter(folder, ROS_DISTRO="").stdout == ".venv\nin the workspace\n"


def test_a_shell_that_enters_before_anything_was_built_is_told_how_to(tmp_path: Path) -> None:
    entered = enter(tmp_path, ROS_DISTRO="jazzy")
    assert entered.returncode == 1 and entered.stdout == ""
    assert (
        f"there is no environment {tmp_path}/.venv-jazzy yet: call 'make build'" in entered.stderr
    )


def test_make_clean_leaves_no_bytecode_and_keeps_runs_and_keys(tmp_path: Path) -> None:
    folders = ("src", "launch", "test", "bench", "setup", "docs")
    for name in (
        *(f"{folder}/__pycache__" for folder in folders),
        "__pycache__",
        "runs",
        "keystore",
    ):
        (tmp_path / name).mkdir(parents=True)
    command = ["make", "-f", str(ROOT / "Makefile"), "clean", "PYTHON=true"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert not list(tmp_path.rglob("__pycache__"))
    assert (tmp_path / "runs").is_dir() and (tmp_path / "keystore").is_dir()
