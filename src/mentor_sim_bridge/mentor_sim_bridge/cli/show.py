"""``python -m mentor_sim_bridge show``: render a contact sheet of an episode."""

from __future__ import annotations

import argparse

from mentor_sim_bridge.cli.environments import (
    PAPER,
    add_episode_options,
    at_least,
    make_with_policy,
)
from mentor_sim_bridge.cli.output_file import output_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("id", nargs="+", help="gymnasium id; or 'paper' for all of the paper's")
    parser.add_argument("--out", type=output_file, required=True, metavar="PNG")
    parser.add_argument("--columns", type=at_least(1), default=6, help="frames of the episode (6)")
    parser.add_argument("--across", type=at_least(1), default=1, help="episodes side by side (1)")
    parser.add_argument(
        "--colours", type=at_least(0, 256), default=0, help="size of the palette; 0: none"
    )
    add_episode_options(parser)


def run(options: argparse.Namespace) -> int:
    """Play the episodes and write the picture; return the exit code."""
    from mentor_sim_bridge import contact_sheet

    rows = []
    for name in PAPER if options.id == ["paper"] else options.id:
        env, policy = make_with_policy(name, options)
        frames, total, success = contact_sheet.episode_frames(
            env, policy, options.seed, options.steps
        )
        env.close()
        print(f"{name}: {len(frames) - 1} steps, return {total:.3f}, success {success}")
        rows.append(contact_sheet.row(name, frames, options.columns))
    contact_sheet.save(contact_sheet.sheet(rows, options.across), options.out, options.colours)
    return 0
