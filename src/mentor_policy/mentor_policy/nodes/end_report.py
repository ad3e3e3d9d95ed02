"""What a node logs at the end of a run, and the command that evaluates it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory


def end_report(summary: dict[str, Any], source: str = "") -> list[str]:
    """Return the lines that a person reads at the end.

    Args:
        summary: what :meth:`Run.finish` returned.
        source: what the success of an evaluation comes from; empty: not known here.
    """
    done = "complete" if summary["complete"] else "stopped; the same command continues it"
    lines = [
        f"training {done}: {summary['step']} steps, {summary['episodes']} episodes, "
        f"{summary['updates']} updates in {summary['seconds'] / 60:.1f} min"
    ]
    if summary.get("return") is not None:
        low, high = summary["success_interval"]
        lines.append(
            f"last evaluation: return {summary['return']:.2f}, success {summary['success']:.2f} "
            f"(95 % interval {low:.2f} to {high:.2f}) {source}".rstrip()
        )
    for name in ("video", "curve", "checkpoint"):
        if summary.get(name):
            lines.append(f"{name}: {Path(summary[name]).resolve()}")
    checkpoint = Path(summary["checkpoint"]).resolve()
    lines.append(f"evaluate it: {evaluate_command(summary['environment']['task'], checkpoint)}")
    return lines


def evaluate_command(task: str, checkpoint: Path) -> str:
    """Return the command that rolls a checkpoint out in a cell of the task it was trained in."""
    arguments = f"mode:=eval checkpoint:={checkpoint}"
    suite, dash, name = task.partition("-")
    if dash and suite in ("dmc", "metaworld", "adroit"):
        return f'make launch TASK=benchmark ARGS="suite:={suite} task:={name} {arguments}"'
    # An environment of anybody: its task is its id without what a folder's name may not have.
    ids = [key for key in gymnasium.registry if key.removesuffix("-v0").replace("/", "-") == task]
    if ids:
        return f'make launch TASK=benchmark ARGS="suite:=gymnasium task:={ids[0]} {arguments}"'
    if launch_file(task).is_file():
        return f'make launch TASK={task} ARGS="{arguments}"'
    return f'the launch that trained it once more, with ARGS="{arguments}"'


def launch_file(task: str) -> Path:
    """Return where the launch file of a task lies, if it has one of its own."""
    try:
        share = Path(get_package_share_directory("mentor_bringup"))
    except PackageNotFoundError:
        return Path("launch") / f"{task}.launch.py"
    return share / "launch" / f"{task}.launch.py"
