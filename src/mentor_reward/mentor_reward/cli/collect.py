"""``python -m mentor_reward collect``: gather slot images from a twin, a bag or a folder."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

from mentor_reward.cli.shared_options import (
    CAMERAS,
    add_data,
    add_environment,
    make_environment,
    show_defaults,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    show_defaults(parser)
    add_data(parser)
    add_environment(parser)
    parser.add_argument(
        "--env-options",
        type=_json_object,
        default="{}",
        metavar="JSON",
        help="arguments of the environment, as a JSON object",
    )
    parser.add_argument("--per-class", type=int, default=2500, help="most images of each state")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first episode")
    parser.add_argument("--episodes", type=int, default=1500, help="most episodes to play")
    parser.add_argument("--processes", type=int, default=1, help="processes that play episodes")
    parser.add_argument("--bag", type=Path, help="an MCAP bag instead of an environment")
    parser.add_argument("--pictures", type=Path, help="a folder of pictures instead of one")
    parser.add_argument("--camera", choices=CAMERAS, help="the camera of --bag or --pictures")
    parser.add_argument("--topic", default="", help="image topic in the bag, if not the usual one")
    parser.add_argument(
        "--every", type=float, default=0.5, help="seconds between frames of a bag, by stamps"
    )


def run(options: argparse.Namespace) -> int:
    """Collect; return the exit code."""
    from mentor_reward.dataset import collection

    if not options.bag and not options.pictures:
        collection.collect_in_processes(
            partial(make_environment, options.env, options.env_options),
            options.data,
            range(options.first_seed, options.first_seed + options.episodes),
            per_class=options.per_class,
            processes=options.processes,
        )
        return 0
    if not options.camera:
        raise ValueError(f"--camera is needed with --bag and --pictures: {', '.join(CAMERAS)}")
    if options.bag:
        added = collection.import_bag(
            options.bag,
            options.camera,
            options.data,
            every_s=options.every,
            topic=options.topic,
        )
    else:
        added = collection.import_pictures(options.pictures, options.camera, options.data)
    labelled = sum(image.state is not None for image in added)
    print(f"{len(added)} images of {options.camera} in {options.data}, {labelled} with a label")
    return 0


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        found = error
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(
            f"{text[:80]!r} is no JSON object; for example '{{\"max_steps\": 50}}'"
        )
    return found
