"""Import of slot images of a real cell, from bags and from folders of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from pathlib import Path

import numpy as np

from mentor_common.tasks.cameras import Camera
from mentor_reward.classifier.slots import states_of
from mentor_reward.dataset.label_changes import change_labels, known_labels
from mentor_reward.dataset.labelled_images import LabelledImage, write_image
from mentor_reward.dataset.slot_frame import read_frame

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def import_pictures(source: str | Path, camera: Camera, folder: str | Path) -> list[LabelledImage]:
    """Import pictures of a real slot camera; those in a folder named like a state get its label.

    ``source/inside/a.jpg`` is labelled INSIDE, ``source/a.jpg`` has no label yet. The folder that
    holds a picture is its group.

    Args:
        source: folder of the pictures: captures of the camera, or what is used of them.
        camera: the slot camera as it stands in the cell; captures are cropped as it says.
        folder: folder of labelled images; made if it is not there.

    Returns:
        The images that were added.

    Raises:
        FileNotFoundError: there is no picture under ``source``.
        ValueError: a picture cannot be read, or is neither a capture nor the region that is used.
    """
    by_name = {state.name.lower(): int(state) for state in states_of(camera.name)}
    files = sorted(p for p in Path(source).rglob("*") if p.suffix.lower() in _PICTURES)
    if not files:
        raise FileNotFoundError(f"{source} holds no pictures ({', '.join(_PICTURES)})")
    return _append(
        folder,
        camera.name,
        (
            (
                read_frame(p, camera),
                by_name.get(p.parent.name.lower()),
                f"{Path(source).name}-{p.parent.name}",
            )
            for p in files
        ),
    )


def import_bag(
    bag: str | Path,
    camera: str,
    folder: str | Path,
    cameras: Mapping[str, Camera],
    *,
    every_s: float = 0.5,
    topic: str = "",
    log: Callable[[str], None] = print,
) -> list[LabelledImage]:
    """Import unlabelled frames of a slot camera from an MCAP bag.

    Args:
        bag: the .mcap file, or the folder of a rosbag2 recording that holds one.
        camera: the slot camera.
        folder: folder of labelled images; made if it is not there.
        cameras: cameras as they stand in the cell, by name; the slot camera at least. Captures are
            cropped as they say.
        every_s: least distance of two frames, seconds of recording time.
        topic: name of the image topic; empty: what ends in camera/<camera>/color/image_raw. Where
            the bag has no images on it, <image topic>/compressed is read.
        log: called with a line for each other camera for want of whose images some were left out.

    Returns:
        The images that were added.

    Raises:
        ValueError: the bag lacks the topic, or an image cannot be read, or it is neither a capture
            of its camera nor the region that is used.
    """
    from mentor_reward.dataset.bag_images import bag_frames

    frames = bag_frames(bag, camera, cameras, every_s, topic, log)
    return _append(folder, camera, ((frame, None, Path(bag).stem) for frame in frames))


def _append(
    folder: str | Path, camera: str, frames: Iterable[tuple[np.ndarray, int | None, str]]
) -> list[LabelledImage]:
    """Write images under names of their own and list them; list and write none if one fails."""
    folder = Path(folder)
    (folder / camera).mkdir(parents=True, exist_ok=True)
    taken = {image.file for image in known_labels(folder)}
    names = (name for i in count() if (name := f"{camera}/import-{i:06d}.png") not in taken)
    added: list[LabelledImage] = []
    try:
        for frame, state, group in frames:
            name = next(name for name in names if _is_made(folder / name))
            added.append(LabelledImage(name, camera, state, group))
            write_image(folder, added[-1], frame)
        change_labels(folder, lambda known: known + added)
    except BaseException:
        for image in added:
            (folder / image.file).unlink(missing_ok=True)
        raise
    return added


def _is_made(path: Path) -> bool:
    """Make a file; return whether it was not there, so that no other import takes the name."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
