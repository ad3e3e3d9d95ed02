"""``python -m mentor_policy info``: what a checkpoint is, and what lies beside it in its run."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from omegaconf import OmegaConf

from mentor_policy.config import config_to_dict
from mentor_policy.training.checkpoint import read_checkpoint
from mentor_policy.training.top_performer_files import ENTRIES

NODE = re.compile(r"\] \[([^\]]+)\]:")
"""The node's name in a line of its log."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("checkpoint", type=Path, help="a checkpoint's folder, or a run's")
    parser.add_argument("--config", action="store_true", help="print the whole configuration too")


def run(options: argparse.Namespace) -> int:
    """Print; return the exit code."""
    found = beside(options.checkpoint)
    if found and not (options.checkpoint / "checkpoints").exists():
        print(f"run {options.checkpoint}: no checkpoint yet, or an agent that learns nothing")
        print("\n".join(found))
        return 0
    checkpoint = read_checkpoint(options.checkpoint)
    tensors = checkpoint.tensors()
    progress, shape, config = checkpoint.progress, checkpoint.shape, checkpoint.config
    frames = progress["step"] * config.train.action_repeat
    print(f"checkpoint {checkpoint.folder}: whole, {len(tensors)} tensors")
    print(f"  agent        {config.agent.name} (preset {config.preset}, seed {config.train.seed})")
    print(f"  environment  {checkpoint.environment['id']} {checkpoint.environment['arguments']}")
    if options_of_resets := checkpoint.environment.get("reset_options"):
        print(f"  resets       {options_of_resets}")
    print(
        f"  observation  {shape.layout.shape} uint8: {len(shape.layout.cameras)} camera(s) x "
        f"{shape.layout.frames} {'stacked' if shape.layout.stacked else 'block'} frames"
        + (f", state of {shape.state_size}" if shape.state_size else "")
    )
    print(f"  action       {shape.action_size} numbers")
    print(
        f"  progress     {progress['step']} steps, {frames} frames, "
        f"{progress['episode']} episodes, "
        f"{progress.get('updates', 0)} updates"
    )
    sizes: dict[str, int] = {}
    for name, tensor in tensors.items():
        group = name.split("/")[0]
        sizes[group] = sizes.get(group, 0) + tensor.numel()
    for group, size in sizes.items():
        entries = len({n.split("/")[1] for n in tensors if n.startswith(f"{ENTRIES}/")})
        note = f" in {entries} entries" if group == ENTRIES else ""
        print(f"  {group:<22} {size:>12,} numbers{note}")
    for line in beside(checkpoint.folder.parent.parent):
        print(line)
    if options.config:
        print(OmegaConf.to_yaml(config_to_dict(config)))
    return 0


def beside(run_folder: Path) -> list[str]:
    """Return a line for each bag of a run and for the log of each of its nodes."""
    lines = []
    for bag in sorted(path for path in run_folder.glob("bags/*") if path.is_dir()):
        size = sum(file.stat().st_size for file in bag.glob("*.mcap"))
        lines.append(f"  bag          {bag} ({size / 1e6:.1f} MB)")
    beside = run_folder.with_name(f"{run_folder.name}.logs")  # of launches after its end
    for log in (*sorted(run_folder.glob("logs/*.log")), *sorted(beside.glob("*.log"))):
        with log.open(errors="replace") as stream:
            named = NODE.search(stream.readline())
        if named is not None:  # the client library names the file after the interpreter
            lines.append(f"  log          {log} ({named[1]})")
    return lines
