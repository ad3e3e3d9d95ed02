"""``python -m mentor_reward calibrate``: calibrate a court camera from four marked points."""

from __future__ import annotations

import argparse
from pathlib import Path

from mentor_reward.cli.shared_options import show_defaults

GREEN = (0, 255, 0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    show_defaults(parser)
    parser.add_argument("--task", default="tabletop_golf", help="task whose court is seen")
    parser.add_argument("--camera", required=True, help="name of the court camera")
    parser.add_argument(
        "--image", type=Path, required=True,
        help="a picture of it, cropped as the cell file says, or else the task file",
    )  # fmt: skip
    parser.add_argument(
        "--points", nargs=4, required=True, metavar="X,Y",
        help="pixels at which the picture shows the inner corners of the border, in the order "
        "low x low y, high x low y, high x high y, low x high y",
    )  # fmt: skip
    parser.add_argument(
        "--field-of-view", type=float, required=True, help="vertical angle of the picture, degrees"
    )
    parser.add_argument(
        "--folder", type=Path, required=True,
        help="of the calibration; the reward node takes it as parameter weights",
    )  # fmt: skip
    parser.add_argument("--overlay", type=Path, help="PNG of the picture with the court drawn in")


def run(options: argparse.Namespace) -> int:
    """Calibrate and save; return the exit code."""
    import cv2

    from mentor_common.tasks.cameras import ASPECT_TOLERANCE
    from mentor_common.tasks.tabletop_golf import golf_reward_of
    from mentor_common.tasks.task import find_task
    from mentor_reward.tracker.court_camera import (
        FILE,
        CourtCamera,
        Marks,
        court_outline,
        load_marks,
        save_marks,
    )

    task = find_task(options.task)
    if options.camera not in task.rewarded_cameras:
        raise ValueError(f"--camera {options.camera}; allowed: {list(task.rewarded_cameras)}")
    picture = cv2.imread(str(options.image))
    if picture is None:
        raise FileNotFoundError(f"{options.image} is no picture that can be read")
    height, width = picture.shape[:2]
    if abs(width / height - 1.0) > ASPECT_TOLERANCE:
        crop = task.camera(options.camera).crop
        wanted = f", such as {crop.width}x{crop.height} of the task file" if crop else ""
        raise ValueError(
            f"--image {options.image} has {width}x{height} pixels; allowed: a square picture, "
            f"cropped as the reward sees it{wanted}"
        )
    points = tuple(
        (x / width, y / height) for x, y in (_pixel(text, width, height) for text in options.points)
    )
    marks = Marks(options.field_of_view, points)
    court = golf_reward_of(task).court
    camera = CourtCamera(marks, court, options.camera)
    known = load_marks(options.folder) if (options.folder / FILE).exists() else {}
    save_marks(options.folder, {**known, options.camera: marks})
    place = ", ".join(f"{value:.2f}" for value in camera.place)
    print(
        f"{options.camera} stands at ({place}) m; the points lie up to "
        f"{camera.residual * height:.1f} pixels off; saved to {options.folder / FILE}"
    )
    if options.overlay:
        for line in court_outline(court):
            seen = (camera.to_image(line) * [width, height]).round().astype(int)
            cv2.polylines(picture, [seen.reshape(-1, 1, 2)], True, GREEN, 1)
        cv2.imwrite(str(options.overlay), picture)
    return 0


def _pixel(text: str, width: int, height: int) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--points {text!r}; allowed: two numbers, e.g. 40.5,120") from None
    if not (0.0 <= x <= width and 0.0 <= y <= height):
        raise ValueError(
            f"--points {text!r} lies outside the picture; allowed: 0,0 to {width},{height}"
        )
    return x, y
