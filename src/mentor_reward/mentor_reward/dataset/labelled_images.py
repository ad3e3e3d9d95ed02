"""A folder of labelled slot images: PNG files and one labels.csv beside them."""

from __future__ import annotations

import csv
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

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
        state: class index, None as long as nobody has labelled it.
        group: images of one group (an episode, a recording) look alike and are never divided
            between training and validation.
        profile: how the cable runs along the slot, numbers of about -1 to 1, where a simulator
            knows it; a second thing to learn, from which the states are told apart better.
    """

    file: str
    camera: str
    state: int | None
    group: str
    profile: tuple[float, ...] = ()


def read_labels(folder: str | Path) -> list[LabelledImage]:
    """All images that labels.csv names.

    Raises:
        FileNotFoundError: there is no labels.csv.
        ValueError: a line is wrong; the message names file, line and value.
    """
    path = Path(folder) / LABELS
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; 'python -m mentor_reward collect' makes it")
    images = []
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != _FIELDS:
            raise ValueError(f"{path}: columns are {rows.fieldnames}, must be {list(_FIELDS)}")
        for number, row in enumerate(rows, start=2):
            try:
                states = states_of(row["camera"])
                state = int(states(int(row["state"]))) if row["state"] != "" else None
                profile = tuple(float(value) for value in row["profile"].split())
                _check_file(row["file"])
            except ValueError as error:
                raise ValueError(f"{path} line {number}: {error}") from error
            images.append(LabelledImage(row["file"], row["camera"], state, row["group"], profile))
    return images


def _check_file(file: str) -> None:
    """Refuse a path that may lead out of the folder. Raises: ValueError."""
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts or "\\" in file or "\0" in file:
        raise ValueError(f"file {file!r} is not a path within the folder")


def write_labels(folder: str | Path, images: Iterable[LabelledImage]) -> None:
    """Writes labels.csv anew, by renaming, so that an interruption loses nothing."""
    path = Path(folder) / LABELS
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_FIELDS)
        for image in images:
            state = "" if image.state is None else int(image.state)
            profile = " ".join(f"{value:.4f}" for value in image.profile)
            rows.writerow((image.file, image.camera, state, image.group, profile))
    part.replace(path)


def write_image(folder: str | Path, image: LabelledImage, frame: np.ndarray) -> None:
    """Writes views (3 to 9, height, width) uint8, planes R, G, B, as the PNG of ``image``.

    They stand beside each other in the order of VIEWS, the camera's own at the left.
    """
    path = Path(folder) / image.file
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frame.shape[1:]
    views = frame.reshape(-1, 3, height, width).transpose(2, 0, 3, 1)  # rows, views, columns, RGB
    bgr = np.ascontiguousarray(views.reshape(height, -1, 3)[:, :, ::-1])
    if not cv2.imwrite(str(path), bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
        raise OSError(f"{path} could not be written")


def write_silhouettes(folder: str | Path, image: LabelledImage, shares: np.ndarray) -> None:
    """Writes how much of each pixel the cable covers, (views, height, width) uint8, by the image.

    255 is all of it. Where a simulator knows it, it teaches a classifier to find the cable.
    """
    path = Path(folder) / _silhouette_file(image)
    if not cv2.imwrite(str(path), np.concatenate(list(shares), axis=1)):
        raise OSError(f"{path} could not be written")


@dataclass(frozen=True)
class Silhouettes:
    """Frames and how much of each pixel the cable covers.

    Args:
        frames: (N, 3, 84, 84) uint8.
        shares: (N, 84, 84) uint8, 255 is all of it.
        views: (N,) int64, which of the VIEWS each frame is.
    """

    frames: np.ndarray
    shares: np.ndarray
    views: np.ndarray

    def chosen(self, mask: np.ndarray) -> Silhouettes:
        """Those of a mask (N,)."""
        return Silhouettes(self.frames[mask], self.shares[mask], self.views[mask])


def load_silhouettes(folder: str | Path, images: Iterable[LabelledImage]) -> Silhouettes:
    """Those of all views of these images, every view by itself.

    Raises:
        FileNotFoundError: none of the images has silhouettes.
    """
    frames: list[np.ndarray] = []
    shares: list[np.ndarray] = []
    which: list[int] = []
    for image in images:
        seen = cv2.imread(str(Path(folder) / _silhouette_file(image)), cv2.IMREAD_GRAYSCALE)
        if seen is not None:
            views = read_views(Path(folder) / image.file)
            frames += np.split(views, len(views) // 3)
            shares += np.split(seen, len(views) // 3, axis=1)
            which += range(len(views) // 3)
    if not frames:
        raise FileNotFoundError(f"{folder} has no silhouettes; collect them from a simulator")
    return Silhouettes(np.stack(frames), np.stack(shares), np.array(which, np.int64))


def _silhouette_file(image: LabelledImage) -> str:
    return str(Path(image.file).with_suffix(".silhouette.png"))


def read_frame(path: str | Path) -> np.ndarray:
    """A picture as the classifier sees it: (3, 84, 84) uint8, planes R, G, B."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path} is no picture that can be read")
    return resize(bgr[:, :, ::-1], IMAGE_SIZE, IMAGE_SIZE).transpose(2, 0, 1)


def read_views(path: str | Path) -> np.ndarray:
    """A picture of a folder of labelled images: (3 to 9, 84, 84) uint8, one to three views.

    Two or three times as wide as high, it holds the frames of VIEWS beside each other.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path} is no picture that can be read")
    count = _views_of_size(*bgr.shape[:2])
    views = np.split(bgr[:, :, ::-1], count, axis=1)
    return np.concatenate([resize(v, IMAGE_SIZE, IMAGE_SIZE).transpose(2, 0, 1) for v in views])


class PictureFiles:
    """Pictures of a folder in place of an array (N, 3 to 9, 84, 84) uint8, read when it is asked.

    As many views of each as all have, which their headers tell. A slice, a mask or indices choose
    among them; ``np.asarray`` reads those that were chosen. As an array a hundred thousand are
    6 GB.

    Raises: ValueError, where one is read that is no picture.
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
    """How many views a picture has; of a PNG only the header is read."""
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
        frames: (N, 3 to 9, 84, 84) uint8: the camera's own view, and others after it as in VIEWS.
            May be PictureFiles.
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

    def chosen(self, mask: np.ndarray) -> Examples:
        """Those of a mask or of indices (N,)."""
        return Examples(*(part[mask] for part in vars(self).values()))


def load_examples(folder: str | Path, images: Iterable[LabelledImage]) -> Examples:
    """The labelled ones of these images; those without a label are left out.

    As many views of each as all have.
    """
    known = [image for image in images if image.state is not None]
    frames = np.empty((len(known), 3 * _MOST_VIEWS, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    planes = 3 * _MOST_VIEWS if known else 3
    for index, image in enumerate(known):
        views = read_views(Path(folder) / image.file)
        planes = min(planes, len(views))
        frames[index, :planes] = views[:planes]
    return _with_labels(frames[:, :planes], known)


def open_examples(folder: str | Path, images: Iterable[LabelledImage]) -> Examples:
    """As load_examples, but the pictures stay in their files until they are looked at."""
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
    """How many images of a camera show each state."""
    seen = Counter(image.state for image in images if image.camera == camera)
    return {state.name: seen[int(state)] for state in states_of(camera)}
