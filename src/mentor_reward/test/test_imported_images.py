"""Importing images of a real cell: from pictures in folders, from an MCAP bag."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from image_bag import Shot, write_shots
from sensor_msgs.msg import CompressedImage
from task_node import TASK, TASK_FILE

from mentor_reward.__main__ import main
from mentor_reward.dataset.imported_images import import_bag, import_pictures
from mentor_reward.dataset.label_changes import change_labels
from mentor_reward.dataset.labelled_images import load_examples, read_labels, read_views

CAMERAS = {camera.name: camera for camera in TASK.cameras}
CELL = "name: mine\ncameras:\n  slot_1: {crop: {x: 248, y: 168, width: 144, height: 144}}\n"


def capture() -> np.ndarray:
    """Return a capture: 7 in the region of CELL, 50 in the rest of the task's, 200 beside it."""
    pixels = np.full((480, 640, 3), 200, np.uint8)
    pixels[:, 80:560] = 50
    pixels[168:312, 248:392] = 7
    return pixels


@pytest.fixture
def cell_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(CELL)
    return path


def collect(tmp_path: Path, *arguments: object) -> int:
    data = ["--data", tmp_path / "data", "--camera", "slot_1", "--task", TASK_FILE]
    return main(["collect", *map(str, [*data, *arguments])])


def views_in(folder: Path) -> np.ndarray:
    """Return the views of all images of slot_1, whatever their labels: (N, 3 to 9, 84, 84)."""
    images = [replace(image, state=0) for image in read_labels(folder)]
    return load_examples(folder, images).frames


# ---- pictures ----


def write_picture(folder: Path, pixels: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "a.png"), pixels)
    return folder


def test_pictures_in_folders_named_as_states_get_their_labels(tmp_path: Path):
    for folder in ("inside", "side", "unsorted"):
        write_picture(tmp_path / "real" / folder, capture())
    assert collect(tmp_path, "--pictures", tmp_path / "real") == 0
    images = read_labels(tmp_path / "data")
    assert [image.state for image in images] == [3, 1, None]
    assert load_examples(tmp_path / "data", images).frames.shape == (2, 3, 84, 84)
    import_pictures(tmp_path / "real", CAMERAS["slot_2"], tmp_path / "data")
    assert len(read_labels(tmp_path / "data")) == 6, "what was there stays"


def test_a_folder_without_pictures_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="holds no pictures"):
        import_pictures(tmp_path, CAMERAS["slot_1"], tmp_path / "data")


def test_a_picture_of_a_capture_is_cropped_as_the_cell_says(tmp_path: Path, cell_file: Path):
    write_picture(tmp_path / "real", capture())
    assert collect(tmp_path, "--pictures", tmp_path / "real", "--cell", cell_file) == 0
    assert (views_in(tmp_path / "data") == 7).all()


def test_a_picture_that_is_no_view_of_the_camera_is_refused_by_name(tmp_path: Path):
    write_picture(tmp_path / "real", np.zeros((600, 800, 3), np.uint8))
    with pytest.raises(ValueError, match=r"a\.png: camera 'slot_1': an image of 800x600 pixels"):
        import_pictures(tmp_path / "real", CAMERAS["slot_1"], tmp_path / "data")


# ---- bags ----


def write_bag(path: Path, planes: dict[str, int], stamped=lambda index: None) -> Path:
    """Pictures at 10 Hz for four seconds, whose brightness shows the time, each camera in one
    colour plane."""
    return write_shots(
        path,
        (
            Shot(camera, index / 10, lit(6 * index, plane), stamped(index))
            for index in range(40)
            for camera, plane in planes.items()
        ),
    )


def lit(value: int, plane: int | slice = slice(None)) -> np.ndarray:
    """Return a small picture of a whole region, lit in a plane of its colours."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[:, :, plane] = value
    return pixels


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A bag with a red picture."""
    return write_bag(tmp_path / "cell.mcap", {"slot_1": 0})


def imported(bag: Path, folder: Path, **options: object) -> list:
    return import_bag(bag, "slot_1", folder, CAMERAS, **options)


def test_a_bag_gives_unlabelled_frames_at_the_wanted_distance_in_the_right_colour(bag, tmp_path):
    added = imported(bag, tmp_path / "data", every_s=0.5)
    assert len(added) == 8 and all(image.state is None for image in added)
    frame = read_views(tmp_path / "data" / added[1].file)
    assert frame.shape == (3, 84, 84)
    assert (frame[0] == 30).all() and not frame[1:].any()


def test_frames_of_a_bag_are_spaced_by_their_stamps_also_behind_a_clock_set_back(tmp_path):
    def stamp(index):  # a twin ten times as fast as real time, restarted after 20 images
        return Time(sec=100 + index % 20)

    bag = write_bag(tmp_path / "twin.mcap", {"slot_1": 0}, stamp)
    assert len(imported(bag, tmp_path / "data", every_s=5.0)) == 8


@pytest.mark.parametrize(
    "planes", [{"slot_2": 2, "slot_1": 0}, {"slot_2": 2, "side": 1, "slot_1": 0}]
)
def test_a_bag_gives_all_views_of_a_timestep_that_it_has(planes, tmp_path):
    bag = write_bag(tmp_path / "all.mcap", planes)
    assert len(imported(bag, tmp_path / "data", every_s=0.5)) == 8
    frames = views_in(tmp_path / "data")
    assert frames.shape == (8, 3 * len(planes), 84, 84)
    for index, views in enumerate(frames):
        brightest = views.max(axis=(1, 2)).reshape(-1, 3)
        in_order = [planes[name] for name in ("slot_1", "slot_2", "side") if name in planes]
        assert (brightest == 30 * index * np.eye(3)[in_order]).all()


def test_a_bag_without_the_other_slot_gives_no_third_view_in_place_of_the_second(tmp_path):
    bag = write_bag(tmp_path / "gap.mcap", {"side": 1, "slot_1": 0})
    imported(bag, tmp_path / "data", every_s=0.5)
    assert views_in(tmp_path / "data").shape == (8, 3, 84, 84)


def test_a_bag_without_the_topic_names_those_looked_for_and_those_it_has(bag, tmp_path):
    raw = "camera/slot_2/color/image_raw"
    there = "/cell_a/camera/slot_1/color/image_raw"
    with pytest.raises(ValueError, match=f"'{raw}' or '{raw}/compressed'; it has .*{there}"):
        import_bag(bag, "slot_2", tmp_path / "data", CAMERAS)


def test_images_that_a_bag_holds_compressed_only_are_read_beside_raw_ones(tmp_path):
    cameras = {"slot_2": True, "side": False, "slot_1": True}  # whether they are compressed
    shots = (
        Shot(name, index / 10, lit(10 * index, plane), None, compressed)
        for index in range(3)
        for plane, (name, compressed) in enumerate(cameras.items())
    )
    silent = ["/cell_a/camera/slot_1/color/image_raw"]  # as a recorder that subscribed in vain
    bag = write_shots(tmp_path / "cell.mcap", shots, silent)
    assert collect(tmp_path, "--bag", bag, "--every", 0) == 0
    for index, views in enumerate(views_in(tmp_path / "data")):
        brightest = views.max(axis=(1, 2)).reshape(-1, 3)
        assert (brightest == 10 * index * np.eye(3)[[2, 0, 1]]).all(), "slot_1, slot_2, side"


def test_raw_images_of_a_bag_win_over_compressed_ones_unless_these_are_named(tmp_path):
    shots = (
        Shot("slot_1", index / 10, lit(value), None, value == 9)
        for index in range(3)
        for value in (9, 5)
    )
    bag = write_shots(tmp_path / "both.mcap", shots)
    assert len(imported(bag, tmp_path / "raw", every_s=0.0)) == 3
    assert (views_in(tmp_path / "raw") == 5).all()
    assert len(imported(bag, tmp_path / "png", every_s=0.0, topic="image_raw/compressed")) == 3
    assert (views_in(tmp_path / "png") == 9).all()


class DamagedShot(Shot):
    """A compressed image whose data are no picture."""

    @property
    def message(self) -> CompressedImage:
        return CompressedImage(format="jpeg", data=b"nothing")


def test_a_damaged_image_of_a_bag_is_refused_with_its_camera_and_time(tmp_path):
    shot = DamagedShot("slot_1", 2.0, lit(1), None, True)
    bag = write_shots(tmp_path / "damaged.mcap", [shot])
    named = r"camera 'slot_1', image at 2\.000 s: compressed image \(7 bytes.* is no JPEG or PNG"
    with pytest.raises(ValueError, match=named):
        imported(bag, tmp_path / "data")


def test_captures_of_a_bag_are_cropped_as_the_cell_says_or_else_the_task(tmp_path, cell_file):
    cameras = ("side", "slot_2", "slot_1")
    bag = write_shots(tmp_path / "full.mcap", (Shot(name, 1.0, capture()) for name in cameras))
    assert collect(tmp_path, "--bag", bag, "--cell", cell_file) == 0
    assert collect(tmp_path, "--bag", bag) == 0
    by_cell, by_task = views_in(tmp_path / "data")
    assert (by_cell[:3] == 7).all(), "slot_1, which the cell file places"
    for others in (by_cell[3:], by_task):
        assert others.max() == 50 and others.min() == 7, "the task's region, and no margin of it"


def test_images_of_other_cameras_are_those_nearest_in_time_though_recorded_later(tmp_path):
    shots = (
        Shot(
            name, index / 100, lit(index), Time(sec=1 + index // 4, nanosec=index % 4 * 250_000_000)
        )
        for index in range(12)  # a twin renders all cameras at once, four times a second
        for name in ("slot_1", "slot_2", "side")
    )
    bag = write_shots(tmp_path / "twin.mcap", shots)
    assert len(imported(bag, tmp_path / "data", every_s=0.2)) == 12
    assert (views_in(tmp_path / "data").max(axis=(2, 3)) == np.arange(12)[:, None]).all()


def test_an_image_is_left_out_and_counted_while_another_camera_stalls(tmp_path):
    shots = (
        Shot(name, 0.06 * index, lit(index))
        for index in range(20)
        for name in ("side", "slot_2", "slot_1")
        if name != "side" or not 5 <= index < 12
    )
    bag, said = write_shots(tmp_path / "stall.mcap", shots), []
    imported(bag, tmp_path / "data", every_s=0.0, log=said.append)
    own, _, side = views_in(tmp_path / "data").max(axis=(2, 3))[:, ::3].astype(int).T
    assert own.tolist() == [*range(6), *range(11, 20)]
    assert abs(own - side).max() == 1, "frames 0.06 s apart are shown beside each other"
    assert said == ["5 images of slot_1 are left out: none of side within 0.1 s"]


def test_labels_and_images_that_come_during_an_import_stay_and_no_name_is_given_twice(tmp_path):
    data = tmp_path / "data"
    first = imported(write_bag(tmp_path / "first.mcap", {"slot_1": 0}), data)
    shots = [Shot("slot_1", 0.0, lit(1)), *(Shot(n, 1.0, lit(2)) for n in ("slot_2", "slot_1"))]
    bag = write_shots(tmp_path / "second.mcap", shots)
    meanwhile: list = []

    def label_and_import(line: str) -> None:
        """Do what a person and another process may do at the end of the import."""
        change_labels(data, lambda known: [replace(image, state=3) for image in known])
        meanwhile.extend(imported(write_bag(tmp_path / "third.mcap", {"slot_1": 0}), data))

    second = imported(bag, data, log=label_and_import)
    listed = read_labels(data)
    assert len({image.file for image in listed}) == len(listed) == 8 + 8 + 1
    assert listed == [*(replace(image, state=3) for image in first), *meanwhile, *second]


def test_an_import_that_fails_leaves_the_folder_as_it_was(bag, tmp_path):
    imported(bag, tmp_path / "data")
    before = sorted(tmp_path.glob("data/**/*")), read_labels(tmp_path / "data")
    shots = [Shot("slot_1", 1.0, lit(1)), Shot("slot_1", 2.0, np.zeros((60, 80, 3), np.uint8))]
    broken = write_shots(tmp_path / "broken.mcap", shots)
    with pytest.raises(ValueError, match="camera 'slot_1': an image of 80x60 pixels"):
        imported(broken, tmp_path / "data")
    assert before == (sorted(tmp_path.glob("data/**/*")), read_labels(tmp_path / "data"))
