"""Draws moments of an evaluation's video beside each other, a row for each camera."""

from __future__ import annotations

import argparse

import cv2
import imageio.v3 as iio
import numpy as np

COLUMNS = 6
SIDE = 168  # pixels of a picture
CAPTION = 20


def film(frames: np.ndarray) -> np.ndarray:
    """Frames (T, H, cameras * H, 3) -> one picture of COLUMNS moments, the first and the last too.

    An arm hurries at first and then holds: the moments lie closer together at the beginning.
    """
    last = len(frames) - 1
    steps = np.round(last * np.linspace(0, 1, COLUMNS) ** 1.8).astype(int)
    columns = []
    for step in steps:
        cameras = np.split(frames[step], frames.shape[2] // frames.shape[1], axis=1)
        tiles = [cv2.resize(tile, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for tile in cameras]
        caption = np.full((CAPTION, SIDE, 3), 255, np.uint8)
        place = (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45
        cv2.putText(caption, f"step {step}", *place, (0, 0, 0), 1, cv2.LINE_AA)
        framed = [np.pad(tile, ((2, 0), (0, 2), (0, 0))) for tile in (caption, *tiles)]
        columns.append(np.vstack(framed))
    return np.hstack(columns)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", help="mp4 of an evaluation")
    parser.add_argument("picture", help="PNG to be written")
    options = parser.parse_args()
    drawn = film(np.stack(list(iio.imiter(options.video))))
    cv2.imwrite(options.picture, drawn[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
