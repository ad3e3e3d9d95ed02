"""``python -m mentor_reward collect``: gather slot images from a twin, a bag or a folder."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentor_reward.cli.shared_options import (
    CAMERAS,
    add_data,
    add_environment,
    make_environment,
    show_defaults,
)

if TYPE_CHECKING:
    from mentor_reward.dataset.labelled_images import LabelledImage


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
    parser.add_argument(
        "--task", default="cable_routing", help="task of --bag or --pictures, or its file's path"
    )
    parser.add_argument(
        "--cell",
        default="",
        help="cell file of --bag or --pictures, whose crops replace the task's; empty: none",
    )
    parser.add_argument(
        "--topic",
        default="",
        help="image topic in the bag, if not the usual one; where the bag has no images on it, "
        "<image topic>/compressed is read",
    )
    parser.add_argument(
        "--every", type=float, default=0.5, help="seconds between frames of a bag, by stamps"
    )


def run(options: argparse.Namespace) -> int:
    """Collect; return the exit code."""
    if not options.bag and not options.pictures:
        from mentor_reward.dataset.collection import collect_in_processes

        collect_in_processes(
            partial(make_environment, options.env, options.env_options),
            options.data,
            range(options.first_seed, options.first_seed + options.episodes),
            per_class=options.per_class,
            processes=options.processes,
        )
        return 0
    if not options.camera:
        raise ValueError(f"--camera is needed with --bag and --pictures: {', '.join(CAMERAS)}")
    added = _imported(options)
    labelled = sum(image.state is not None for image in added)
    print(f"{len(added)} images of {options.camera} in {options.data}, {labelled} with a label")
    return 0


def _imported(options: argparse.Namespace) -> list[LabelledImage]:
    """Import images of a bag or of a folder, cropped as the stacker crops them."""
    from mentor_common.cell.cell_file import find_cell
    from mentor_common.tasks.task import find_task
    from mentor_reward.dataset.imported_images import import_bag, import_pictures

    task, cell = find_task(options.task), find_cell(options.cell)
    cameras = {
        camera.name: cell.placed(camera, task.image_size(camera.name)) for camera in task.cameras
    }
    name = options.camera
    if name not in cameras:
        raise ValueError(f"--camera {name}: task {task.name} has the cameras {', '.join(cameras)}")
    if options.bag:
        every, topic = options.every, options.topic
        return import_bag(options.bag, name, options.data, cameras, every_s=every, topic=topic)
    return import_pictures(options.pictures, cameras[name], options.data)


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
