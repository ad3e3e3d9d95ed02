"""``python -m mentor_reward train``: train the classifiers of the slots."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mentor_reward.cli.shared_options import CAMERAS, add_data, limit_threads, show_defaults

if TYPE_CHECKING:
    from mentor_reward.classifier.training_settings import TrainingResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    show_defaults(parser)
    add_data(parser)
    parser.add_argument("--camera", choices=CAMERAS, help="train only this one")
    parser.add_argument(
        "--weights", type=Path, required=True, help="folder to write the weights to"
    )
    parser.add_argument("--masks", type=Path, help="folder of images with segmentation masks")
    parser.add_argument(
        "--calibrate-on",
        type=Path,
        help="folder of images, not trained on, on which the logits are calibrated together with "
        "the held-out episodes",
    )
    parser.add_argument(
        "--network",
        choices=("auto", "profile", "image"),
        default="auto",
        help="profile: locate the cable first, trained on a simulator's profiles and masks; "
        "image: images and labels only; auto: profile where there are profiles or masks",
    )
    parser.add_argument("--start", type=Path, help="folder of weights to start from")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="peak of the schedule")
    parser.add_argument("--epochs", type=int, default=60, help="most epochs")
    parser.add_argument("--batch", type=int, default=256, help="images of a gradient step")
    parser.add_argument(
        "--patience", type=int, help="epochs without improvement; a third of --epochs if not given"
    )
    parser.add_argument("--seed", type=int, default=0, help="of split, weights and augmentation")


def run(options: argparse.Namespace) -> int:
    """Train; return the exit code."""
    from mentor_reward.classifier.slot_classifier import SlotClassifier
    from mentor_reward.classifier.training import train_classifier
    from mentor_reward.classifier.training_settings import TrainingSettings
    from mentor_reward.dataset.labelled_images import (
        load_examples,
        load_masks,
        open_examples,
        read_labels,
    )

    limit_threads()
    images = read_labels(options.data)
    settings = TrainingSettings(
        epochs=options.epochs,
        patience=options.patience,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
    )
    masks = load_masks(options.masks, read_labels(options.masks)) if options.masks else None
    # With masks the features are computed once; without, every epoch reads the images.
    read_examples = load_examples if masks is None else open_examples
    for camera in [options.camera] if options.camera else CAMERAS:
        examples = read_examples(options.data, [i for i in images if i.camera == camera])
        path = options.weights / f"{camera}.safetensors"

        def save(result: TrainingResult, path: Path = path, count: int = len(examples)) -> None:
            recalls = json.dumps(result.recalls.round(4).tolist())
            result.classifier.save(path, images=str(count), recalls=recalls)

        calibrate_on = None
        if options.calibrate_on:
            further = [i for i in read_labels(options.calibrate_on) if i.camera == camera]
            calibrate_on = open_examples(options.calibrate_on, further)
        result = train_classifier(
            camera,
            examples,
            settings,
            start=SlotClassifier.load(camera, options.start) if options.start else None,
            on_improvement=save,
            masks=masks,
            calibrate_on=calibrate_on,
            network=options.network,
        )
        print(f"{path}: {path.stat().st_size} bytes, epoch {result.epoch + 1}")
    return 0
