"""Collecting slot images: labelled ones from a simulated cell, others from bags and folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import numpy as np

from mentor_common.frames import FrameLayout
from mentor_reward.exploration import choose_behaviour
from mentor_reward.labelled_images import (
    LABELS,
    LabelledImage,
    read_frame,
    read_labels,
    write_image,
    write_labels,
)
from mentor_reward.slots import SLOTS, states_of

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


@dataclass(frozen=True)
class Sample:
    """The slot cameras' last frames after a step and the states they show."""

    group: str
    step: int
    frames: dict[str, np.ndarray]  # camera -> (3, 84, 84) uint8
    states: dict[str, int]


def last_frames(pixels: np.ndarray, layout: FrameLayout) -> dict[str, np.ndarray]:
    """The newest frame (3, H, W) of each slot camera in an observation."""
    grouped = pixels.reshape(len(layout.cameras), layout.frames, 3, layout.height, layout.width)
    return {camera: grouped[layout.cameras.index(camera), -1] for camera in SLOTS}


def rollout_samples(env: gymnasium.Env, seeds: Iterable[int]) -> Iterator[Sample]:
    """Plays one episode for each seed; each step of it is a sample.

    The environment tells the truth in ``info["slot_1"]`` and ``info["slot_2"]``.
    """
    layout: FrameLayout = env.unwrapped.frame_layout  # type: ignore[attr-defined]
    for seed in seeds:
        rng = np.random.default_rng(seed)
        observation, info = env.reset(seed=seed)
        _, behaviour = choose_behaviour(env, rng)
        step, over = 0, False
        while True:
            pixels = observation["image"] if isinstance(observation, dict) else observation
            frames = {name: frame.copy() for name, frame in last_frames(pixels, layout).items()}
            states = {camera: int(info[camera]) for camera in SLOTS}
            yield Sample(f"seed-{seed}", step, frames, states)
            if over:
                break
            observation, _, terminated, truncated, info = env.step(behaviour(step))
            step, over = step + 1, terminated or truncated


def collect_from_env(
    env: gymnasium.Env,
    folder: str | Path,
    *,
    per_class: int,
    first_seed: int,
    max_episodes: int,
    log: Callable[[str], None] = print,
) -> list[LabelledImage]:
    """Plays episodes until every state of every slot has ``per_class`` images.

    Of states that come often, only ``per_class`` images are kept, but a quarter of them is
    overwritten by later ones so that they come from many episodes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    counts: Counter[tuple[str, int]] = Counter()
    wanted = [(camera, int(state)) for camera in SLOTS for state in states_of(camera)]
    kept: dict[tuple[str, int], list[LabelledImage]] = {key: [] for key in wanted}
    rng = np.random.default_rng(first_seed)
    episodes = 0
    for sample in rollout_samples(env, range(first_seed, first_seed + max_episodes)):
        if sample.step == 0:
            if episodes % 20 == 0:
                _report(kept, episodes, log)
            if all(len(kept[key]) >= per_class for key in wanted):
                break
            episodes += 1
        for camera, state in sample.states.items():
            key = (camera, state)
            counts[key] += 1
            # Reservoir: every image of a state has the same chance of being among those kept.
            slot = len(kept[key]) if len(kept[key]) < per_class else int(rng.integers(counts[key]))
            if slot >= per_class:
                continue
            name = f"{camera}/{states_of(camera)(state).name.lower()}-{slot:05d}.png"
            image = LabelledImage(name, camera, state, sample.group)
            write_image(folder, image, sample.frames[camera])
            if slot == len(kept[key]):
                kept[key].append(image)
            else:
                kept[key][slot] = image
    images = [image for key in wanted for image in kept[key]]
    write_labels(folder, images)
    _report(kept, episodes, log)
    return images


def _report(
    kept: dict[tuple[str, int], list[LabelledImage]], episodes: int, log: Callable[[str], None]
) -> None:
    for camera in SLOTS:
        shown = ", ".join(f"{s.name} {len(kept[camera, int(s)])}" for s in states_of(camera))
        log(f"{episodes} episodes, {camera}: {shown}")


def import_pictures(source: str | Path, camera: str, folder: str | Path) -> list[LabelledImage]:
    """Takes in pictures of a real slot camera; those in a folder named as a state get its label.

    ``source/inside/a.jpg`` is labelled INSIDE, ``source/a.jpg`` waits for ``label``. The folder
    above the picture is its group.

    Raises:
        FileNotFoundError: there is no picture under ``source``.
    """
    by_name = {state.name.lower(): int(state) for state in states_of(camera)}
    files = sorted(p for p in Path(source).rglob("*") if p.suffix.lower() in _PICTURES)
    if not files:
        raise FileNotFoundError(f"{source} holds no pictures ({', '.join(_PICTURES)})")
    return _append(
        folder,
        camera,
        (
            (
                read_frame(p),
                by_name.get(p.parent.name.lower()),
                f"{Path(source).name}-{p.parent.name}",
            )
            for p in files
        ),
    )


def import_bag(
    bag: str | Path, camera: str, folder: str | Path, *, every_s: float = 0.5, topic: str = ""
) -> list[LabelledImage]:
    """Takes unlabelled frames of a slot camera from an MCAP bag, one each ``every_s`` seconds.

    Args:
        bag: the .mcap file, or the folder of a rosbag2 recording that holds one.
        camera: the slot camera.
        folder: folder of labelled images; made if it is not there.
        every_s: seconds of recording time between two frames.
        topic: name of the image topic; empty: whatever ends in camera/<camera>/color/image_raw.
    """
    from mentor_reward.bag_images import bag_frames

    return _append(
        folder,
        camera,
        ((frame, None, Path(bag).stem) for frame in bag_frames(bag, camera, every_s, topic)),
    )


def _append(
    folder: str | Path, camera: str, frames: Iterable[tuple[np.ndarray, int | None, str]]
) -> list[LabelledImage]:
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    images = read_labels(folder) if (folder / LABELS).exists() else []
    taken = {image.file for image in images}
    number, added = 0, []
    for frame, state, group in frames:
        while (name := f"{camera}/import-{number:06d}.png") in taken:
            number += 1
        taken.add(name)
        image = LabelledImage(name, camera, state, group)
        write_image(folder, image, frame)
        added.append(image)
    write_labels(folder, images + added)
    return added
