"""Where a bag comes from: commit, versions, code, parameters and files behind them."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "mentor_common", "mentor_policy", "mentor_sim_bridge", "mentor_camera", "mentor_reward",
    "mentor_reset", "mentor_arm", "mentor_recorder",
)  # fmt: skip
LIBRARIES = ("torch", "numpy", "opencv-python-headless", "mujoco", "rclpy", "mcap")
LARGEST_INPUT = 256 << 20
"""Bytes up to which a file that a parameter names is hashed."""


def origin(task_files: Iterable[Path] = ()) -> dict[str, str]:
    """Return what is known at the start, each value as JSON.

    Args:
        task_files: task and cell files, whose text goes into the bag.

    Returns:
        ``commit``, ``machine``, ``versions``, ``code`` (SHA-256 of every file of the packages, by
        path), ``files`` (text of the task and cell files, by path) and ``folder``.
    """
    values: dict[str, Any] = {
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "code": code_hashes(),
        "files": {str(path): path.read_text() for path in task_files if path.is_file()},
        "folder": str(Path.cwd()),
    }
    return {name: json.dumps(value) for name, value in values.items()}


def commit() -> str:
    """Return the commit of the source tree, marked if it has changes; or "unknown"."""
    folder = Path(__file__).resolve().parent
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return head + (" with changes" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True, capture_output=True, text=True, timeout=10,
    )  # fmt: skip
    return done.stdout.strip()


def machine() -> str:
    """Return the processor: arithmetic differs between kinds, in the last bits."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()} ({platform.machine()})"
    except OSError:
        pass
    return platform.machine()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that computed what is in the bag."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def code_hashes() -> dict[str, str]:
    """Return the SHA-256 of every file of the project's packages, weights included, by path."""
    hashes = {}
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                hashes[f"{package}/{path.relative_to(root)}"] = sha256(path)
    return hashes


def cell_files(task: str) -> list[Path]:
    """Return the files of the packages that describe the twin of a task."""
    spec = importlib.util.find_spec("mentor_sim_bridge")
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob(f"twins/**/{Path(task).stem}.yaml"))


def input_texts(inputs: Iterable[str]) -> dict[str, str]:
    """Return the text of the YAML files among some paths."""
    paths = [Path(name) for name in inputs if name.endswith((".yaml", ".yml"))]
    return {str(path): path.read_text(errors="replace") for path in paths if path.is_file()}


def input_hashes(parameters: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the files that parameters name.

    Args:
        parameters: parameters of each node, by name.
        folder: folder that relative paths begin in.
    """
    hashes = {}
    for values in parameters.values():
        for name, value in values.items():
            if not isinstance(value, str) or not value or name in ("run_dir", "folder"):
                continue
            path = Path(value) if Path(value).is_absolute() else folder / value
            try:
                files = [path] if path.is_file() else sorted(path.glob("*"))[:100]
                for file in files:
                    if file.is_file() and file.stat().st_size <= LARGEST_INPUT:
                        hashes[str(file)] = sha256(file)
            except (OSError, ValueError):
                continue
    return hashes


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
