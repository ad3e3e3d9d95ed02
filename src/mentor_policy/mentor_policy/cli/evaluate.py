"""``python -m mentor_policy evaluate``: roll out a checkpoint, with a 95 % interval."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mentor_policy.cli.arguments import environment_arguments
from mentor_policy.training.checkpoint import CheckpointError, read_checkpoint
from mentor_policy.training.environment import make_environment, shape_of
from mentor_policy.training.evaluation import evaluate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("checkpoint", type=Path, help="a checkpoint's folder, or a run's")
    parser.add_argument("--env", help="gymnasium id; default: the one it was trained in")
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1_000_000, help="of the episodes")
    parser.add_argument("--video", type=Path, help="mp4 of the first episode")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<n>")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("overrides", nargs="*", metavar="env.key=value")


def run(options: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    if options.episodes < 1:
        raise CheckpointError(f"--episodes is {options.episodes}, must be at least 1")
    checkpoint = read_checkpoint(options.checkpoint)
    arguments, others = environment_arguments(options.overrides)
    if others:
        raise CheckpointError(f"{others[0]!r}: only env.key=value can be given to evaluate")
    name = options.env or checkpoint.environment["id"]
    given = {**checkpoint.environment["arguments"], **arguments} if not options.env else arguments
    agent = checkpoint.agent(options.device)
    env = make_environment(name, given)
    shape = shape_of(env)
    if shape != checkpoint.shape:
        raise CheckpointError(
            f"checkpoint {checkpoint.folder} was trained on {checkpoint.shape}, {name} has {shape}"
        )
    result = evaluate(
        agent,
        env,
        options.episodes,
        seed=options.seed,
        step=checkpoint.progress["step"],
        video=options.video,
        weights=checkpoint.weights(),
    )
    env.close()
    low, high = result.interval
    if options.json:
        values = {
            "checkpoint": str(checkpoint.folder), "environment": name, "episodes": options.episodes,
            "return": result.mean, "return_std": result.std, "success": result.success,
            "success_interval": [low, high],
        }  # fmt: skip
        print(json.dumps(values))
    else:
        print(f"{checkpoint.folder} in {name}, {options.episodes} episodes")
        print(f"  success {result.success:.2f} (95 % interval {low:.2f} to {high:.2f})")
        print(f"  return {result.mean:.1f} +- {result.std:.1f}")
        if options.video:
            print(f"  video: {options.video}")
    return 0
