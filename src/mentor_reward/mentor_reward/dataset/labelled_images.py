"""A folder of labelled slot images: PNG files and one labels.csv beside them."""

from __future__ import annotations

import csv
import math
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from mentor_common.files.atomic import replaced
from mentor_common.messages.images import resize
from mentor_reward.classifier.slots import IMAGE_SIZE, VIEWS, states_of

LABELS = "labels.csv"
_FIELDS = ("file", "camera", "state", "group", "profile")
_MOST_VIEWS = max(len(views) for views in VIEWS.values())


@dataclass(frozen=True)
class LabelledImage:
    """One image of a slot camera.

    Args:
        file: path of the PNG, relative to the folder.
        camera: the slot camera.
        state: class index; None without a label.
        group: the episode or recording; images of a group look alike, and are never split between
            training and validation.
        profile: how the cable runs along the slot, numbers of about -1 to 1, where a simulator
            knows it; an auxiliary target, from which the state is classified.
    """

    file: str
    camera: str
    state: int | None
    group: str
    profile: tuple[float, ...] = ()


def read_labels(folder: str | Path) -> list[LabelledImage]:
    """Read labels.csv.

    Raises:
        FileNotFoundError: there is no labels.csv.
        ValueError: a line is wrong; the message names file, line and value.
    """
    path = Path(folder) / LABELS
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; 'python -m mentor_reward collect' writes it"
        )
    images = []
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != _FIELDS:
            raise ValueError(f"{path}: columns are {rows.fieldnames}, must be {list(_FIELDS)}")
        for number, row in enumerate(rows, start=2):
            try:
                if None in row or None in row.values():
                    raise ValueError(f"it has not {len(_FIELDS)} values")
                state = _read_state(row["camera"], row["state"])
                profile = _read_profile(row["profile"])
                _check_file(row["file"])
            except ValueError as error:
                raise ValueError(f"{path} line {number}: {error}") from error
            images.append(LabelledImage(row["file"], row["camera"], state, row["group"], profile))
    return images


def _read_state(camera: str, text: str) -> int | None:
    """Return the index of a class; None where the image has no label. Raises: ValueError."""
    states = states_of(camera)
    if not text:
        return None
    known = {str(int(state)): int(state) for state in states}
    if text not in known:
        names = ", ".join(f"{int(state)} ({state.name.lower()})" for state in states)
        raise ValueError(f"state {text!r} is no class of {camera}; known: {names}, or nothing")
    return known[text]


def _read_profile(text: str) -> tuple[float, ...]:
    """Return the numbers of a profile. Raises: ValueError."""
    profile = tuple(float(value) for value in text.split())
    if not all(math.isfinite(value) for value in profile):
        raise ValueError(f"profile {text!r} is not finite")
    return profile


def _check_file(file: str) -> None:
    """Refuse a path that may lead out of the folder. Raises: ValueError."""
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts or "\\" in file or "\0" in file:
        raise ValueError(f"file {file!r} is not a path within the folder")


def write_labels(folder: str | Path, images: Iterable[LabelledImage]) -> None:
    """Write labels.csv to a temporary name that is then renamed: an interruption loses nothing."""
    path = Path(folder) / LABELS
    with replaced(path) as temporary, temporary.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_FIELDS)
        for image in images:
            state = "" if image.state is None else int(image.state)
            profile = " ".join(f"{value:.4f}" for value in image.profile)
            rows.writerow((image.file, image.camera, state, image.group, profile))


def write_image(folder: str | Path, image: LabelledImage, frame: np.ndarray) -> None:
    """Write the views of an image as its PNG.

    Args:
        folder: folder of labelled images.
        image: names the file.
        frame: views (3 to 9, height, width) uint8, planes R, G, B; they are written side by side
            in the order of VIEWS, the camera's own at the left.

    Raises:
        OSError: the file could not be written.
    """
    path = Path(folder) / image.file
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frame.shape[1:]
    views = frame.reshape(-1, 3, height, width).transpose(2, 0, 3, 1)  # rows, views, columns, RGB
    bgr = np.ascontiguousarray(views.reshape(height, -1, 3)[:, :, ::-1])
    if not cv2.imwrite(str(path), bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
        raise OSError(f"{path} could not be written")


def write_masks(folder: str | Path, image: LabelledImage, coverage: np.ndarray) -> None:
    """Write the segmentation masks of an image beside it.

    Args:
        folder: folder of labelled images.
        image: image whose masks they are.
        coverage: (views, parts, height, width) uint8, how much of each pixel each of PARTS covers;
            255: all.

    Raises:
        OSError: the file could not be written.
    """
    path = _mask_file(folder, image)
    views, parts, height, width = coverage.shape
    # Views beside each other, parts below each other.
    sheet = coverage.transpose(1, 2, 0, 3).reshape(parts * height, views * width)
    if not cv2.imwrite(str(path), sheet):
        raise OSError(f"{path} could not be written")


@dataclass(frozen=True)
class Masks:
    """Frames with segmentation masks.

    Args:
        frames: (N, 3, 84, 84) uint8.
        coverage: (N, parts, 84, 84) uint8, how much of each pixel each of PARTS covers; 255: all.
        views: (N,) int64, each frame's index in VIEWS.
    """

    frames: np.ndarray
    coverage: np.ndarray
    views: np.ndarray

    def subset(self, mask: np.ndarray) -> Masks:
        """Return the frames that a mask (N,) selects."""
        return Masks(self.frames[mask], self.coverage[mask], self.views[mask])


def load_masks(folder: str | Path, images: Iterable[LabelledImage]) -> Masks:
    """Load the segmentation masks of all views of these images.

    Raises:
        FileNotFoundError: none of the images has masks.
    """
    frames: list[np.ndarray] = []
    coverage: list[np.ndarray] = []
    indices: list[int] = []
    for image in images:
        masks = cv2.imread(str(_mask_file(folder, image)), cv2.IMREAD_GRAYSCALE)
        if masks is not None:
            views = read_views(Path(folder) / image.file)
            frames += np.split(views, len(views) // 3)
            sheet = masks.reshape(-1, IMAGE_SIZE, len(views) // 3, IMAGE_SIZE)
            coverage += list(sheet.transpose(2, 0, 1, 3))
            indices += range(len(views) // 3)
    if not frames:
        raise FileNotFoundError(f"{folder} has no masks; collect them from a simulator")
    return Masks(np.stack(frames), np.stack(coverage), np.array(indices, np.int64))


def _mask_file(folder: str | Path, image: LabelledImage) -> Path:
    picture = Path(folder) / image.file
    former = picture.with_suffix(".silhouette.png")  # the name that earlier versions gave it
    return former if former.exists() else picture.with_suffix(".mask.png")


def read_views(path: str | Path) -> np.ndarray:
    """Read the picture of a labelled image: (3 to 9, 84, 84) uint8, one to three views.

    A picture two or three times as wide as high holds the frames of VIEWS side by side.

    Raises:
        ValueError: it is no picture.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path} is not a picture that can be read")
    count = _views_of_size(*bgr.shape[:2])
    views = np.split(bgr[:, :, ::-1], count, axis=1)
    return np.concatenate([resize(v, IMAGE_SIZE, IMAGE_SIZE).transpose(2, 0, 1) for v in views])


class PictureFiles:
    """Pictures of a folder like an array (N, 3 to 9, 84, 84) uint8, but read when they are used.

    A hundred thousand take 6 GB as an array. A slice, a mask or indices select pictures;
    ``np.asarray`` reads the selected ones, and raises ValueError for a file that is not a picture.

    Args:
        files: the pictures.
        planes: 3 for each view; None: as many views as all pictures have, by their headers.
    """

    def __init__(self, files: Sequence[Path], planes: int | None = None) -> None:
        self._files = np.array(files, dtype=object)
        if planes is None:
            planes = 3 * min(map(_views_in, files), default=1)
        self.shape = (len(files), planes, IMAGE_SIZE, IMAGE_SIZE)

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, chosen: Any) -> PictureFiles:
        return PictureFiles(self._files[chosen], self.shape[1])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        frames = np.empty(self.shape, np.uint8)
        for index, file in enumerate(self._files):
            frames[index] = read_views(file)[: self.shape[1]]
        return frames if dtype is None else frames.astype(dtype, copy=False)


def _views_of_size(height: int, width: int) -> int:
    return next((n for n in range(2, _MOST_VIEWS + 1) if width == n * height), 1)


def _views_in(path: Path) -> int:
    """Return how many views a picture has; of a PNG only the header is read."""
    with path.open("rb") as file:
        head = file.read(24)
    if len(head) == 24 and head.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack(">II", head[16:])
        return _views_of_size(height, width)
    return len(read_views(path)) // 3


@dataclass(frozen=True)
class Examples:
    """Labelled frames of one camera as arrays.

    Args:
        frames: (N, 3 to 9, 84, 84) uint8, in the order of VIEWS; may be PictureFiles.
        states: (N,) int64.
        groups: (N,) names of the groups.
        profiles: (N, P) float32, NaN where unknown; P may be 0.
    """

    frames: np.ndarray | PictureFiles
    states: np.ndarray
    groups: np.ndarray
    profiles: np.ndarray

    def __len__(self) -> int:
        return len(self.states)

    def subset(self, mask: np.ndarray) -> Examples:
        """Return the examples that a mask (N,) or indices select."""
        return Examples(*(part[mask] for part in vars(self).values()))


def load_examples(folder: str | Path, images: Iterable[LabelledImage]) -> Examples:
    """Load the labelled ones of these images, with as many views of each as all have."""
    known = [image for image in images if image.state is not None]
    frames = np.empty((len(known), 3 * _MOST_VIEWS, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    planes = 3 * _MOST_VIEWS if known else 3
    for index, image in enumerate(known):
        views = read_views(Path(folder) / image.file)
        planes = min(planes, len(views))
        frames[index, :planes] = views[:planes]
    return _with_labels(frames[:, :planes], known)


def open_examples(folder: str | Path, images: Iterable[LabelledImage]) -> Examples:
    """Do as load_examples, but read the pictures only when they are used."""
    known = [image for image in images if image.state is not None]
    return _with_labels(PictureFiles([Path(folder) / image.file for image in known]), known)


def _with_labels(frames: np.ndarray | PictureFiles, known: list[LabelledImage]) -> Examples:
    profiles = np.full((len(known), max((len(i.profile) for i in known), default=0)), np.nan)
    for index, image in enumerate(known):
        profiles[index, : len(image.profile)] = image.profile
    return Examples(
        frames,
        np.array([image.state for image in known], np.int64),
        np.array([image.group for image in known]),
        profiles.astype(np.float32),
    )


def count_states(images: Iterable[LabelledImage], camera: str) -> dict[str, int]:
    """Count the images of a camera by state."""
    seen = Counter(image.state for image in images if image.camera == camera)
    return {state.name: seen[int(state)] for state in states_of(camera)}
