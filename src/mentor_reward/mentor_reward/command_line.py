"""The commands of ``python -m mentor_reward``."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

DEFAULT_ENV = "mentor/cable_routing-v0"
DEFAULT_DATA = Path("runs/slot_images")
CAMERAS = ("slot_1", "slot_2")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the process's status."""
    parser = argparse.ArgumentParser(prog="python -m mentor_reward", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_collect(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_label(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (FileNotFoundError, ValueError) as error:
        parser.exit(2, f"python -m mentor_reward {options.command}: {error}\n")


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.set_defaults(run=run)
    return parser


def _data_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled images")


def _add_collect(commands: Any) -> None:
    parser = _command(
        commands, "collect", _collect, "gather slot images from a twin, a bag or a folder"
    )
    _data_option(parser)
    parser.add_argument(
        "--env", default=DEFAULT_ENV, help="gymnasium id; info has slot_1 and slot_2"
    )
    parser.add_argument("--env-options", default="{}", help="arguments of the environment, JSON")
    parser.add_argument("--per-class", type=int, default=2500, help="images of each state")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first episode")
    parser.add_argument("--episodes", type=int, default=1500, help="at most this many")
    parser.add_argument("--processes", type=int, default=1, help="that play at the same time")
    parser.add_argument("--bag", type=Path, help="an MCAP bag instead of a twin")
    parser.add_argument("--pictures", type=Path, help="a folder of pictures instead of a twin")
    parser.add_argument("--camera", choices=CAMERAS, help="whose images --bag or --pictures has")
    parser.add_argument("--topic", default="", help="image topic of the bag, if it is another one")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between frames of a bag")


def _add_train(commands: Any) -> None:
    parser = _command(commands, "train", _train, "train the classifiers of both slots")
    _data_option(parser)
    parser.add_argument("--camera", choices=CAMERAS, help="only this one")
    parser.add_argument("--weights", type=Path, required=True, help="folder of the weights written")
    parser.add_argument(
        "--silhouettes", type=Path, help="folder whose images tell what of them is cable"
    )
    parser.add_argument(
        "--even-on",
        type=Path,
        help="folder of images, not learned from, on which, together with "
        "the episodes held back, the classes are evened out",
    )
    parser.add_argument(
        "--network",
        choices=("auto", "profile", "image"),
        default="auto",
        help="profile: learn where the cable is first, from the profiles and masks of a simulator; "
        "image: from images and labels alone; auto: image where there are neither",
    )
    parser.add_argument("--start", type=Path, help="folder of weights to begin with")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="peak of the schedule")
    parser.add_argument("--epochs", type=int, default=60, help="at most this many")
    parser.add_argument("--batch", type=int, default=256, help="images of a gradient step")
    parser.add_argument(
        "--patience", type=int, help="epochs without improvement; a third of all if not given"
    )
    parser.add_argument("--seed", type=int, default=0, help="of split, weights and augmentation")


def _add_evaluate(commands: Any) -> None:
    parser = _command(
        commands, "evaluate", _evaluate, "judge the classifiers on images and in episodes"
    )
    parser.add_argument("--data", type=Path, help="folder of labelled images never trained on")
    parser.add_argument(
        "--weights", type=Path, help="folder of weights; default: the committed ones"
    )
    parser.add_argument(
        "--env", default=DEFAULT_ENV, help="gymnasium id; info has slot_1 and slot_2"
    )
    parser.add_argument(
        "--episodes", type=int, default=0, help="of each policy: random, expert, noisy"
    )
    parser.add_argument("--first-seed", type=int, default=1_000_000, help="of the episodes")
    parser.add_argument("--picture", type=Path, help="PNG of the confusion matrices")
    parser.add_argument("--numbers", type=Path, help="JSON of all numbers")


def _add_label(commands: Any) -> None:
    parser = _command(commands, "label", _label, "label images by hand on a local web page")
    _data_option(parser)
    parser.add_argument("--camera", choices=CAMERAS, help="only images of this one")
    parser.add_argument("--port", type=int, default=8765, help="of the page, on this machine only")


def _make_env(name: str, options: dict[str, Any] | None = None) -> Any:
    import gymnasium

    from mentor_common.env.registration import register_environments

    register_environments()
    return gymnasium.make(name, disable_env_checker=True, **(options or {}))


def _collect(options: argparse.Namespace) -> int:
    from mentor_reward.dataset import collection

    if options.bag or options.pictures:
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
    collection.collect_in_processes(
        partial(_make_env, options.env, json.loads(options.env_options)),
        options.data,
        range(options.first_seed, options.first_seed + options.episodes),
        per_class=options.per_class,
        processes=options.processes,
    )
    return 0


def _train(options: argparse.Namespace) -> int:
    import torch

    from mentor_reward.classifier.slot_classifier import SlotClassifier
    from mentor_reward.classifier.training import train_classifier
    from mentor_reward.classifier.training_settings import TrainingResult, TrainingSettings
    from mentor_reward.dataset.labelled_images import (
        load_examples,
        load_silhouettes,
        open_examples,
        read_labels,
    )

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    images = read_labels(options.data)
    settings = TrainingSettings(
        epochs=options.epochs,
        patience=options.patience,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
    )
    silhouettes = None
    if options.silhouettes:
        silhouettes = load_silhouettes(options.silhouettes, read_labels(options.silhouettes))
    for camera in [options.camera] if options.camera else CAMERAS:
        # Measured once, or looked at in every epoch.
        take = load_examples if silhouettes is None else open_examples
        examples = take(options.data, [i for i in images if i.camera == camera])
        start = SlotClassifier.load(camera, options.start) if options.start else None
        path = options.weights / f"{camera}.safetensors"

        def save(result: TrainingResult, path: Path = path, count: int = len(examples)) -> None:
            recalls = json.dumps(result.recalls.round(4).tolist())
            result.classifier.save(path, images=str(count), recalls=recalls)

        even_on = None
        if options.even_on:
            further = read_labels(options.even_on)
            even_on = open_examples(options.even_on, [i for i in further if i.camera == camera])
        result = train_classifier(
            camera,
            examples,
            settings,
            start,
            print,
            save,
            silhouettes,
            even_on,
            options.network,
        )
        print(f"{path}: {path.stat().st_size} bytes, epoch {result.epoch + 1}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    import torch

    from mentor_common.tasks.cable_routing import cable_reward_of
    from mentor_common.tasks.task import find_task
    from mentor_reward.classifier.confusion import confusion_table, draw_confusion
    from mentor_reward.classifier.evaluation import (
        POLICIES,
        ImageScore,
        reward_agreement,
        score_images,
    )
    from mentor_reward.classifier.slot_classifier import load_classifiers
    from mentor_reward.classifier.slots import states_of
    from mentor_reward.dataset.labelled_images import open_examples, read_labels

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if not options.data and not options.episodes:
        raise ValueError("nothing to do: give --data, --episodes or both")
    classifiers = load_classifiers(options.weights)
    numbers: dict[str, Any] = {}
    if options.data:
        images = read_labels(options.data)
        scores = {}
        for camera, classifier in classifiers.items():
            examples = open_examples(options.data, [i for i in images if i.camera == camera])
            score = scores[camera] = score_images(classifier, examples.frames, examples.states)
            numbers[camera] = score.as_dict()
            print(f"{camera}: {100 * score.accuracy:.2f} % of {len(examples)} images")
            print(confusion_table(score.matrix, score.names))
        if options.picture:
            draw_confusion(
                options.picture,
                {camera: score.matrix for camera, score in scores.items()},
                {camera: score.names for camera, score in scores.items()},
            )
    if options.episodes:
        env = _make_env(options.env)
        reward = cable_reward_of(find_task("cable_routing"))
        seeds = range(options.first_seed, options.first_seed + options.episodes)
        as_they_come: dict[str, Any] = {}
        for policy in POLICIES:
            agreement = reward_agreement(env, classifiers, reward, seeds, policy)
            numbers[policy] = agreement.as_dict()
            for camera, matrix in agreement.matrices.items():
                as_they_come[camera] = as_they_come.get(camera, 0) + matrix
            print(
                f"{policy}: rewards agree on {100 * agreement.share:.2f} % of {agreement.steps} "
                f"steps in {agreement.episodes} episodes, successes: {agreement.true_successes} "
                f"true, {agreement.seen_successes} seen"
            )
        env.close()
        numbers["steps of all episodes"] = {}
        for camera, matrix in as_they_come.items():
            score = ImageScore(matrix, tuple(state.name for state in states_of(camera)))
            numbers["steps of all episodes"][camera] = score.as_dict()
            print(f"{camera}, steps of all episodes: {100 * score.accuracy:.2f} %")
            print(confusion_table(score.matrix, score.names))
    if options.numbers:
        options.numbers.parent.mkdir(parents=True, exist_ok=True)
        options.numbers.write_text(json.dumps(numbers, indent=2) + "\n")
    return 0


def _label(options: argparse.Namespace) -> int:
    from mentor_reward.dataset.label_server import Labelling, make_server

    server = make_server(Labelling(options.data, options.camera or ""), options.port)
    print(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C ends)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0
