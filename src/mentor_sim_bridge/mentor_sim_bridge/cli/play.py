"""``python -m mentor_sim_bridge play``: play episodes, and write them as a video."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from mentor_sim_bridge.cli.environments import add_episode_options, at_least, make_with_policy
from mentor_sim_bridge.cli.output_file import output_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("id", help="gymnasium id")
    parser.add_argument("--video", type=output_file, metavar="MP4")
    parser.add_argument("--episodes", type=at_least(1), default=1)
    add_episode_options(parser)


def run(options: argparse.Namespace) -> int:
    """Play the episodes; return the exit code."""
    from mentor_sim_bridge import contact_sheet

    env, policy = make_with_policy(options.id, options)
    frames = []
    for episode in range(options.episodes):
        shown, total, success = contact_sheet.episode_frames(
            env, policy, options.seed + episode, options.steps
        )
        frames += shown
        result = {"episode": episode, "steps": len(shown) - 1, "return": total, "success": success}
        print(json.dumps(result), flush=True)
    if options.video:
        _write_video(options.video, frames, max(1, round(1 / env.unwrapped.period)))
    env.close()
    return 0


def _write_video(path: Path, frames: list[Any], fps: int) -> None:
    import imageio.v2 as imageio

    path.parent.mkdir(parents=True, exist_ok=True)
    scale = max(1, 336 // frames[0].shape[0])
    writer: Any
    with imageio.get_writer(path, fps=fps, macro_block_size=1) as writer:
        for frame in frames:
            writer.append_data(np.kron(frame, np.ones((scale, scale, 1), np.uint8)))
