"""Collection of labelled slot images from a simulated cell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from mentor_common.messages.frames import FrameLayout
from mentor_reward.classifier.slots import SLOTS, VIEWS, states_of, views_of
from mentor_reward.dataset.exploration import choose_behaviour
from mentor_reward.dataset.label_changes import change_labels, known_labels
from mentor_reward.dataset.labelled_images import (
    LABELS,
    LabelledImage,
    count_states,
    write_image,
    write_masks,
)

_PROFILE_UNIT = 0.02  # metres
EPISODES_PER_PART = 60
"""Episodes of a part: a process plays it with counts and random choices of its own."""


@dataclass(frozen=True)
class Sample:
    """A snapshot of an episode; every dictionary is by slot camera.

    Args:
        group: name of the episode.
        views: (9, 84, 84) uint8, see views_of.
        states: the slot's class.
        profiles: profiles of the cable along the slot, see LabelledImage; empty where unknown.
        masks: (3, parts, 84, 84) uint8, segmentation masks of each view; None where there are none.
    """

    group: str
    views: dict[str, np.ndarray]
    states: dict[str, int]
    profiles: dict[str, tuple[float, ...]]
    masks: dict[str, np.ndarray] | None = None


def _sample(group: str, frames: Mapping[str, np.ndarray], truth: dict[str, Any]) -> Sample:
    return Sample(
        group,
        {camera: views_of(camera, frames) for camera in SLOTS},
        {camera: int(truth[camera]) for camera in SLOTS},
        {camera: _profile(truth.get(f"{camera}_profile")) for camera in SLOTS},
        _masks(truth.get("masks")),
    )


def _masks(coverage: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray] | None:
    if coverage is None:
        return None
    views = {camera: views_of(camera, coverage) for camera in SLOTS}
    return {
        camera: masks.reshape(len(VIEWS[camera]), -1, *masks.shape[1:])
        for camera, masks in views.items()
    }


def _frames(pixels: np.ndarray, layout: FrameLayout, frame: int) -> dict[str, np.ndarray]:
    grouped = pixels.reshape(len(layout.cameras), layout.frames, 3, layout.height, layout.width)
    return {camera: grouped[index, frame] for index, camera in enumerate(layout.cameras)}


def _profile(metres: np.ndarray | None) -> tuple[float, ...]:
    """Return lengths in units of 2 cm, so that they are of the order of 1; empty if unknown."""
    if metres is None:
        return ()
    return tuple(round(float(v), 4) for v in np.clip(np.ravel(metres) / _PROFILE_UNIT, -3, 3))


def _group_of(seed: int) -> str:
    return f"seed-{seed}"


def rollout_samples(
    env: gymnasium.Env, seed: int, wanted: Callable[[dict[str, int]], bool] = lambda states: False
) -> Iterator[Sample]:
    """Play one episode and yield its samples.

    Args:
        env: has the ground truth in ``info["slot_1"]`` and ``info["slot_2"]``, and may have that of
            the motion's midpoint in ``info["midpoint"]``: that frame is a sample, too. Where
            ``info["snapshots"]`` has snapshots of the motion, frames included, those are the
            samples.
        seed: seed of the episode and its behaviour.
        wanted: whether states (by camera) are still rare; the episode stays longer in those.
    """
    layout: FrameLayout = env.unwrapped.frame_layout  # type: ignore[attr-defined]
    group = _group_of(seed)
    observation, info = env.reset(seed=seed)
    behaviour = choose_behaviour(env, np.random.default_rng(seed))
    over = False
    while True:
        pixels = observation["image"] if isinstance(observation, dict) else observation
        if "snapshots" in info:
            for snapshot in info["snapshots"]:
                yield _sample(group, snapshot["frames"], snapshot)
        else:
            if info.get("midpoint"):
                yield _sample(group, _frames(pixels, layout, 1), info["midpoint"])
            yield _sample(group, _frames(pixels, layout, -1), info)
        if over:
            return
        states = {camera: int(info[camera]) for camera in SLOTS}
        observation, _, terminated, truncated, info = env.step(behaviour(wanted(states)))
        over = terminated or truncated


def collect_from_env(
    env: gymnasium.Env,
    folder: str | Path,
    seeds: Iterable[int],
    *,
    per_class: int,
    name: str = "",
    log: Callable[[str], None] = print,
) -> list[LabelledImage]:
    """Play episodes until every state of every slot has ``per_class`` images, or no seed is left.

    Writes the images, but not labels.csv.

    Args:
        env: see rollout_samples.
        folder: folder of the images.
        seeds: seeds of the episodes.
        per_class: images of each state to keep; of more, a uniform random choice is kept.
        name: part of the files' names, different for each process that writes to the folder.
        log: called with a line every ten episodes.

    Returns:
        The images that were kept.
    """
    folder = Path(folder)
    counts = {(camera, int(state)): 0 for camera in SLOTS for state in states_of(camera)}
    kept: dict[tuple[str, int], list[LabelledImage]] = {key: [] for key in counts}

    def is_rare(states: dict[str, int]) -> bool:
        return any(
            counts[camera, state]
            < sum(n for key, n in counts.items() if key[0] == camera) / len(states_of(camera)) / 2
            for camera, state in states.items()
        )

    for episode, seed in enumerate(seeds):
        if episode % 10 == 0:
            log(_report(counts, episode))
        if all(len(images) >= per_class for images in kept.values()):
            break
        rng = np.random.default_rng([seed, 1])
        for sample in rollout_samples(env, seed, is_rare):
            for camera, state in sample.states.items():
                key = (camera, state)
                counts[key] += 1
                # Reservoir sampling: every image of a state is kept with the same probability.
                full = len(kept[key]) == per_class
                place = int(rng.integers(counts[key])) if full else len(kept[key])
                if place >= per_class:
                    continue
                file = f"{camera}/{states_of(camera)(state).name.lower()}-{name}{place:05d}.png"
                profile = sample.profiles[camera]
                image = LabelledImage(file, camera, state, sample.group, profile)
                write_image(folder, image, sample.views[camera])
                if sample.masks is not None:
                    write_masks(folder, image, sample.masks[camera])
                kept[key][place : place + 1] = [image]
    return [image for images in kept.values() for image in images]


def collect_in_processes(
    make_env: Callable[[], gymnasium.Env],
    folder: str | Path,
    seeds: range,
    *,
    per_class: int,
    processes: int,
    log: Callable[[str], None] = print,
) -> list[LabelledImage]:
    """Run :func:`collect_from_env` in several processes.

    Episodes are played in parts of EPISODES_PER_PART, which share ``per_class`` evenly. A part is
    written with its labels as soon as it has ended: the result does not depend on the number of
    processes, and an interruption loses at most the running parts. A repetition replaces the images
    of its seeds.

    Args:
        make_env: makes the environment; picklable.
        folder: folder of the images; made if it is not there.
        seeds: seeds of the episodes.
        per_class: images of each state to keep.
        processes: how many play at the same time.
        log: called with lines of progress.

    Returns:
        All images that were kept.

    Raises:
        ValueError: the folder has images of another origin, a bag or other seeds.
    """
    groups = {_group_of(seed) for seed in seeds}
    _refuse_others(folder, groups, seeds)
    Path(folder).mkdir(parents=True, exist_ok=True)
    parts = [seeds[i : i + EPISODES_PER_PART] for i in range(0, len(seeds), EPISODES_PER_PART)]
    share = -(-per_class // len(parts))
    jobs = [(make_env, str(folder), part, share, f"{index}-") for index, part in enumerate(parts)]
    images: list[LabelledImage] = []

    def add(more: list[LabelledImage]) -> None:
        images.extend(more)
        # What was imported since the beginning stays.
        change_labels(folder, lambda known: [i for i in known if i.group not in groups] + images)

    if processes == 1:
        for job in jobs:
            add(_collect_part(*job, log=log))
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for part in [pool.submit(_collect_part, *job) for job in jobs]:
                add(part.result())
    for camera in SLOTS:
        log(f"{camera}: {count_states(images, camera)}")
    return images


def _refuse_others(folder: str | Path, groups: Collection[str], seeds: range) -> None:
    """Refuse a folder with images of other groups, whose files might be overwritten."""
    others = [image for image in known_labels(folder) if image.group not in groups]
    if others:
        raise ValueError(
            f"{Path(folder) / LABELS} lists {len(others)} images of another origin than the seeds "
            f"{seeds.start} to {seeds.stop - 1}, for example '{others[0].file}' of "
            f"'{others[0].group}'; name another folder for the twin's images (--data)"
        )


def _collect_part(
    make_env: Callable[[], gymnasium.Env],
    folder: str,
    seeds: Iterable[int],
    per_class: int,
    name: str,
    log: Callable[[str], None] = print,
) -> list[LabelledImage]:
    env = make_env()
    try:
        return collect_from_env(env, folder, seeds, per_class=per_class, name=name, log=log)
    finally:
        env.close()


def _report(counts: dict[tuple[str, int], int], episodes: int) -> str:
    shown = [
        f"{camera} " + "/".join(str(counts[camera, int(state)]) for state in states_of(camera))
        for camera in SLOTS
    ]
    return f"{episodes} episodes, images of each state: {', '.join(shown)}"
