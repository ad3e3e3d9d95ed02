"""``python -m mentor_recorder export``: a step as a contact sheet, or an episode as an mp4."""

from __future__ import annotations

import argparse
from pathlib import Path

from mentor_common.bags.reader import Bag, BagError
from mentor_recorder.bags.cut import parse_episodes
from mentor_recorder.bags.steps import episode_steps
from mentor_recorder.bags.summary import episodes_of
from mentor_recorder.export.files import write_film, write_sheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bag", type=Path, help="folder of a bag, or an .mcap file")
    parser.add_argument("output", type=Path, help="file to be written: .png of a step, else .mp4")
    parser.add_argument(
        "--episode", default="0", help="position in the bag, from 0, or number (default: the first)"
    )
    parser.add_argument("--step", type=int, help="step whose frames are shown; else the episode")
    parser.add_argument(
        "--rate", type=float, default=4.0, help="steps a second of the film (default: 4)"
    )


def run(options: argparse.Namespace) -> int:
    """Export; return the exit status."""
    bag = Bag(options.bag)
    episode = parse_episodes(options.episode, episodes_of(bag).steps)[0]
    steps = episode_steps(bag, episode)
    try:
        if options.step is None:
            count = write_film(steps, options.output, options.rate)
            print(f"{options.output}: {count} steps of episode {episode}")
            return 0
        chosen = [step for step in steps if step.step == options.step]
        if not chosen:
            raise BagError(
                f"episode {episode} has no step {options.step}; it has {steps[0].step} to "
                f"{steps[-1].step}"
            )
        write_sheet(chosen[0], options.output)
    except ValueError as error:
        raise BagError(str(error)) from error
    print(f"{options.output}: the frames of episode {episode} step {options.step}")
    return 0
