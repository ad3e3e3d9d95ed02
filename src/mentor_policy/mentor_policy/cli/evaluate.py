"""``python -m mentor_policy evaluate``: roll out a checkpoint, with a 95 % interval."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import gymnasium

from mentor_policy.cli.arguments import environment_arguments
from mentor_policy.training.checkpoint import Checkpoint, CheckpointError, read_checkpoint
from mentor_policy.training.environment import Env, make_environment, shape_of
from mentor_policy.training.evaluation import SEED, evaluate

OVER_TOPICS = "mentor/ros-v0"
CONNECT_SECONDS = 3.0
"""Wall time in which a cell that is there has answered."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("checkpoint", type=Path, help="a checkpoint's folder, or a run's")
    parser.add_argument("--env", help="gymnasium id; default: the one it was trained in")
    parser.add_argument("--episodes", type=int, default=20, help="how many (default: 20)")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="of the episodes, the same ones each time; none is "
        "one of a training (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--video", type=Path, help="mp4 of the first episode (default: in the run's videos)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<n>")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "overrides", nargs="*", metavar="env.key=value",
        help="arguments of the environment, such as env.disturbance=arm_pushed; those that are not "
        "named are the training's, or with --env the environment's own",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Evaluate; return the exit code."""
    if options.episodes < 1:
        raise CheckpointError(f"--episodes is {options.episodes}, must be at least 1")
    checkpoint = read_checkpoint(options.checkpoint)
    arguments, others = environment_arguments(options.overrides)
    if others:
        raise CheckpointError(f"{others[0]!r}: only env.key=value can be given to evaluate")
    name = options.env or checkpoint.environment["id"]
    given = {**checkpoint.environment["arguments"], **arguments} if not options.env else arguments
    env = _environment(name, given, checkpoint)
    shape = shape_of(env)
    if shape != checkpoint.shape:
        raise CheckpointError(
            f"checkpoint {checkpoint.folder} was trained on {checkpoint.shape}, {name} has {shape}"
        )
    agent = checkpoint.agent(options.device)
    video = options.video or (checkpoint.video if _writable(checkpoint.video) else None)
    result = evaluate(
        agent,
        env,
        options.episodes,
        seed=options.seed,
        step=checkpoint.progress["step"],
        video=video,
        weights=checkpoint.weights(),
    )
    env.close()
    low, high = result.interval
    if options.json:
        values = {
            "checkpoint": str(checkpoint.folder), "environment": name, "episodes": options.episodes,
            "return": result.mean, "return_std": result.std, "success": result.success,
            "success_interval": [low, high], "success_by_task": result.success_by_task,
        }  # fmt: skip
        print(json.dumps(values))
    else:
        print(f"{checkpoint.folder} in {name}, {options.episodes} episodes of seed {options.seed}")
        print(f"  success {result.success:.2f} (95 % interval {low:.2f} to {high:.2f})")
        if len(result.success_by_task) > 1:
            for task, (successes, episodes) in result.success_by_task.items():
                print(f"  {task}: {successes} of {episodes}")
        print(f"  return {result.mean:.1f} +- {result.std:.1f}")
        if video is not None:
            print(f"  video: {video}")
    return 0


def _environment(name: str, arguments: dict[str, Any], checkpoint: Checkpoint) -> Env:
    """Make the environment; one over the topics is there at once, or the way out is named."""
    if name != OVER_TOPICS:
        return make_environment(name, arguments)
    from mentor_common.env.ros_requests import EnvironmentLost  # late: most need no ROS

    try:
        return make_environment(name, {"connect_timeout": CONNECT_SECONDS, **arguments})
    except EnvironmentLost as error:
        raise CheckpointError(
            f"checkpoint {checkpoint.folder} was trained over topics, and no cell answers "
            f"({error}). Start the cell, or evaluate {_without_cell(checkpoint)}"
        ) from error


def _without_cell(checkpoint: Checkpoint) -> str:
    """Return how a checkpoint of a cell's task is evaluated where no cell runs."""
    from mentor_policy.nodes.end_report import evaluate_command

    task = str(checkpoint.environment.get("task", ""))
    own = f"mentor/{task}-v0"
    if own in gymnasium.registry:
        return f"in process with --env {own}"
    return f"in a cell of its own: {evaluate_command(task, checkpoint.folder.resolve())}"


def _writable(video: Path) -> bool:
    """Return whether the folder of a video, or the one that it is made in, can be written."""
    parent = video.parent if video.parent.exists() else video.parent.parent
    return os.access(parent, os.W_OK)
