"""The cameras of a cell, as its task file lists them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mentor_common.tasks.yaml_fields import Fields

UInt8 = npt.NDArray[np.uint8]
ASPECT_TOLERANCE = 0.01
"""Share by which an image's aspect ratio may differ from the crop's."""


@dataclass(frozen=True)
class Crop:
    """The region of a capture that is used: left edge, upper edge and size, pixels."""

    x: int
    y: int
    width: int
    height: int

    def fits(self, width: int, height: int) -> bool:
        """Return whether an image of this size (pixels) can show the region: it has its aspect
        ratio, and no more pixels."""
        alike = abs(width * self.height / (height * self.width) - 1.0) <= ASPECT_TOLERANCE
        return alike and width <= self.width and height <= self.height


@dataclass(frozen=True)
class Camera:
    """A camera of the cell.

    Args:
        name: also its namespace: images come on ``camera/<name>/color/image_raw``.
        width: pixels of the capture.
        height: pixels of the capture.
        rate: images per second.
        observed: whether the policy sees it; else it serves the reward only.
        rewarded: whether the reward is computed from it.
        frame_tolerance: seconds between the time at which a frame is needed and the image nearest
            to it, beyond which the frame is missing.
        crop: the region that is used; None: the whole image.
    """

    name: str
    width: int
    height: int
    rate: float
    observed: bool
    rewarded: bool
    frame_tolerance: float
    crop: Crop | None = None

    @property
    def topic(self) -> str:
        """Relative name of the image topic."""
        return f"camera/{self.name}/color/image_raw"

    def cropped(self, image: UInt8) -> UInt8:
        """Return the region of an image that is used, as a view.

        Args:
            image: (H, W, 3). Of the capture's size it is cropped; of another size it must show the
                region already, with no more pixels, as a twin renders no more than is used.

        Raises:
            ValueError: its size is not the capture's, and it is larger than the region or has
                another aspect ratio.
        """
        crop = self.crop
        if crop is None:
            return image
        height, width = image.shape[:2]
        if (width, height) == (self.width, self.height):
            return image[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width]
        if not crop.fits(width, height):
            raise ValueError(
                f"camera '{self.name}': an image of {width}x{height} pixels; the task file has "
                f"captures of {self.width}x{self.height}, of which {crop.width}x{crop.height} are "
                "used: images must have the size of the capture, or show that region in at most "
                "as many pixels"
            )
        return image


def read_cameras(fields: Fields) -> tuple[Camera, ...]:
    """Read the list ``cameras``. Raises: TaskError."""
    cameras: list[Camera] = []
    for item in fields.sections("cameras"):
        name = item.name("name")
        if name in [camera.name for camera in cameras]:
            raise item.refuse("name", name, "a name that no other camera has")
        width, height = item.integer("width", 84, 8192), item.integer("height", 84, 8192)
        camera = Camera(
            name=name,
            width=width,
            height=height,
            rate=item.number("rate", 0.0, 1000.0, above=True),
            observed=item.flag("observed"),
            rewarded=item.flag("rewarded"),
            frame_tolerance=item.number("frame_tolerance", 0.0, 10.0, above=True),
            crop=_read_crop(item.section("crop"), width, height) if item.has("crop") else None,
        )
        if not camera.observed and not camera.rewarded:
            raise item.refuse("observed", False, "true, or rewarded: true; else nobody uses it")
        cameras.append(camera)
        item.end()
    if not any(camera.observed for camera in cameras):
        raise fields.refuse("cameras", [], "at least one camera with observed: true")
    return tuple(cameras)


def _read_crop(fields: Fields, width: int, height: int) -> Crop:
    x, y = fields.integer("x", 0, width - 1), fields.integer("y", 0, height - 1)
    crop = Crop(
        x, y, fields.integer("width", 1, width - x), fields.integer("height", 1, height - y)
    )
    fields.end()
    return crop
