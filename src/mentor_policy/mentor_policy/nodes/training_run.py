"""A training in a cell, set up from a node's parameters. Imports torch: import it late."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import gymnasium
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from gymnasium.error import ResetNeeded

from mentor_common.bags.reader import BagError
from mentor_common.env.ros_env import CellHeldError, EnvironmentChanged, EnvironmentLost
from mentor_common.node.cell_node import CellNode
from mentor_policy.agents.base import NonFiniteGradientError
from mentor_policy.config import ConfigError
from mentor_policy.nodes.cell_run_folder import cell_environment, open_run_folder
from mentor_policy.nodes.ground_truth import GroundTruthEvaluation
from mentor_policy.nodes.policy_parameters import configuration
from mentor_policy.replay import ReplayError
from mentor_policy.replay.bag_steps import BagSteps
from mentor_policy.training.backoff import GivenUpError
from mentor_policy.training.checkpoint import CheckpointError
from mentor_policy.training.environment import UnfitEnvironmentError, shape_of
from mentor_policy.training.line_progress import LineProgress
from mentor_policy.training.run_folder import RunFolder, RunFolderError, default_folder
from mentor_policy.training.trainer import Trainer

REFUSALS = (
    BagError,
    ConfigError,
    RunFolderError,
    CheckpointError,
    ReplayError,
    UnfitEnvironmentError,
    EnvironmentChanged,
    NonFiniteGradientError,
    GivenUpError,
    CellHeldError,
    OSError,
)
"""Errors whose text is made for the person: no traceback is needed."""


def begin_training(
    node: CellNode, env: GroundTruthEvaluation, own: list[str]
) -> tuple[RunFolder, Trainer | None]:
    """Open the run folder that a node's parameters ask for, and make its trainer.

    Args:
        node: has the parameters.
        env: the node's cell.
        own: overrides that those of the person win over.

    Returns:
        The folder and the trainer; no trainer where the run is complete.

    Raises:
        one of ``REFUSALS``; the folder is as it was, or awaits its bags.
    """
    cell: Any = env.unwrapped
    task = str(cell.description.task)
    config = configuration(node, task, own)
    named = node.text("run_dir")
    path = Path(named) if named else default_folder(task, node.text("agent"), config.train.seed)
    folder = open_run_folder(node, config, task, cell.action_repeat, path, shape_of(env))
    if folder.finished is not None:
        return folder, None
    log = node.get_logger()
    try:
        trainer = Trainer(
            config,
            env,
            cell_environment(task),
            folder,
            progress=LineProgress(log.info, node.number("progress_period")),
            lost=(EnvironmentLost, ResetNeeded),
        )
        if bags := [Path(word).expanduser() for word in shlex.split(node.text("bags"))]:
            log.info(f"begins with the steps of {len(bags)} bag(s)")
            trainer.begin_with(BagSteps(bags), node.integer("offline_updates"))
    except BaseException:
        folder.close()
        raise
    how = "asynchronously" if config.train.asynchronous else "synchronously"
    log.info(
        f"{'resumes' if folder.resumed else 'new'} run in {path.resolve()}: {node.text('agent')} "
        f"on {task}, {how}, step {trainer.run.steps} of {trainer.run.schedule.last_step}"
    )
    return folder, trainer


def end_report(summary: dict[str, Any], task: str, source: str) -> list[str]:
    """Return the lines that a person reads at the end."""
    done = "complete" if summary["complete"] else "stopped; the same command goes on with it"
    lines = [
        f"training {done}: {summary['step']} steps, {summary['episodes']} episodes, "
        f"{summary['updates']} updates in {summary['seconds'] / 60:.1f} min"
    ]
    if summary["return"] is not None:
        low, high = summary["success_interval"]
        lines.append(
            f"last evaluation: return {summary['return']:.2f}, success {summary['success']:.2f} "
            f"(95 % interval {low:.2f} to {high:.2f}) {source}"
        )
    for name in ("video", "curve", "checkpoint"):
        if summary[name]:
            lines.append(f"{name}: {Path(summary[name]).resolve()}")
    checkpoint = Path(summary["checkpoint"]).resolve()
    lines.append(f"evaluate it: {evaluate_command(task, checkpoint)}")
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
