"""``python -m mentor_reward evaluate``: evaluate the classifiers on images and in episodes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentor_reward.cli.shared_options import (
    add_environment,
    limit_threads,
    make_environment,
    show_defaults,
)

if TYPE_CHECKING:
    from mentor_reward.classifier.slot_classifier import SlotClassifier

Classifiers = Mapping[str, "SlotClassifier"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    show_defaults(parser)
    parser.add_argument("--data", type=Path, help="folder of labelled images never trained on")
    parser.add_argument(
        "--weights", type=Path, help="folder of weights; if not given, the committed ones"
    )
    add_environment(parser)
    parser.add_argument(
        "--episodes", type=int, default=0, help="of each policy: random, expert, noisy"
    )
    parser.add_argument("--first-seed", type=int, default=1_000_000, help="of the episodes")
    parser.add_argument("--picture", type=Path, help="PNG of the confusion matrices")
    parser.add_argument("--numbers", type=Path, help="JSON of all numbers")


def run(options: argparse.Namespace) -> int:
    """Evaluate; return the exit code."""
    from mentor_reward.classifier.slot_classifier import load_classifiers

    limit_threads()
    if not options.data and not options.episodes:
        raise ValueError("nothing to do: give --data, --episodes or both")
    classifiers = load_classifiers(options.weights)
    numbers: dict[str, Any] = {}
    if options.data:
        numbers |= _evaluate_images(options, classifiers)
    if options.episodes:
        numbers |= _evaluate_episodes(options, classifiers)
    if options.numbers:
        options.numbers.parent.mkdir(parents=True, exist_ok=True)
        options.numbers.write_text(json.dumps(numbers, indent=2) + "\n")
    return 0


def _evaluate_images(options: argparse.Namespace, classifiers: Classifiers) -> dict[str, Any]:
    """Classify a folder of labelled images; return the numbers by camera."""
    from mentor_reward.classifier.confusion import confusion_table, draw_confusion
    from mentor_reward.classifier.evaluation import score_images
    from mentor_reward.dataset.labelled_images import open_examples, read_labels

    images, scores = read_labels(options.data), {}
    for camera, classifier in classifiers.items():
        examples = open_examples(options.data, [i for i in images if i.camera == camera])
        score = scores[camera] = score_images(classifier, examples.frames, examples.states)
        print(f"{camera}: {100 * score.accuracy:.2f} % of {len(examples)} images")
        print(confusion_table(score.matrix, score.names))
    if options.picture:
        draw_confusion(
            options.picture,
            {camera: score.matrix for camera, score in scores.items()},
            {camera: score.names for camera, score in scores.items()},
        )
    return {camera: score.as_dict() for camera, score in scores.items()}


def _evaluate_episodes(options: argparse.Namespace, classifiers: Classifiers) -> dict[str, Any]:
    """Compare rewards in episodes; return the numbers by policy, and those of all its frames."""
    from mentor_common.tasks.cable_routing import cable_reward_of
    from mentor_common.tasks.task import find_task
    from mentor_reward.classifier.confusion import confusion_table
    from mentor_reward.classifier.evaluation import POLICIES, ImageScore, reward_agreement
    from mentor_reward.classifier.slots import states_of

    env = make_environment(options.env)
    reward = cable_reward_of(find_task("cable_routing"))
    seeds = range(options.first_seed, options.first_seed + options.episodes)
    numbers: dict[str, Any] = {}
    total: dict[str, Any] = {}
    for policy in POLICIES:
        agreement = reward_agreement(env, classifiers, reward, seeds, policy)
        numbers[policy] = agreement.as_dict()
        for camera, matrix in agreement.matrices.items():
            total[camera] = total.get(camera, 0) + matrix
        print(
            f"{policy}: rewards agree on {100 * agreement.share:.2f} % of {agreement.steps} "
            f"steps in {agreement.episodes} episodes, successes: {agreement.true_successes} "
            f"true, {agreement.predicted_successes} predicted"
        )
    env.close()
    numbers["steps of all episodes"] = {}
    for camera, matrix in total.items():
        score = ImageScore(matrix, tuple(state.name for state in states_of(camera)))
        numbers["steps of all episodes"][camera] = score.as_dict()
        print(f"{camera}, steps of all episodes: {100 * score.accuracy:.2f} %")
        print(confusion_table(score.matrix, score.names))
    return numbers
