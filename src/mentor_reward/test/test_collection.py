"""Collecting: from an environment by its id, from pictures in folders, from an MCAP bag."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from slot_pictures import shown
from walking_states import WalkingStates

from mentor_common.messages.images import array_to_image
from mentor_reward.__main__ import main
from mentor_reward.cli.collect import add_arguments
from mentor_reward.dataset.collection import (
    collect_in_processes,
    import_bag,
    import_pictures,
    rollout_samples,
)
from mentor_reward.dataset.labelled_images import load_examples, load_masks, read_labels


def test_every_step_is_a_sample_and_its_midpoint_too_with_the_states_they_show():
    samples = list(rollout_samples(WalkingStates(), 5))
    assert len(samples) == 1 + 2 * 20
    assert {s.group for s in samples} == {"seed-5"}
    for sample in samples:
        lit = sample.views["slot_2"][:3].mean(axis=0)[20:60].mean(axis=0)
        assert abs(int(lit.argmax()) - (4 + sample.states["slot_2"] * 80 // 7)) <= 8
        assert sample.profiles["slot_1"] == () and len(sample.profiles["slot_2"]) == 4


def test_all_states_are_collected_evenly_though_some_come_seldom(tmp_path):
    images = collect_in_processes(
        WalkingStates, tmp_path, range(200), per_class=12, processes=1, log=lambda line: None
    )
    counts = Counter((image.camera, image.state) for image in images)
    assert set(counts.values()) == {12} and len(counts) == 11
    assert read_labels(tmp_path) == images
    assert len({image.group for image in images}) > 3, "from several episodes"
    examples = load_examples(tmp_path, [i for i in images if i.camera == "slot_2"])
    assert examples.profiles.shape == (84, 4)


class Snapshots(WalkingStates):
    """Has two snapshots of each motion, with frames that the observation lacks."""

    def _see(self):
        pixels, info = super()._see()
        snapshots = []
        for brightness in (10, 20) if self.steps else ():
            frames = {
                camera: np.full((3, 84, 84), brightness + which, np.uint8)
                for which, camera in enumerate(("slot_1", "slot_2", "side"))
            }
            frames["side"][:, :10] = 0  # its upper rows
            coverage = {camera: frame[:2] + 100 for camera, frame in frames.items()}
            snapshot = {"slot_2": brightness // 10, "frames": frames, "masks": coverage}
            snapshots.append({**info, **snapshot})
        return np.zeros_like(pixels), {**info, "snapshots": snapshots}


def test_an_environment_with_snapshots_gives_those_and_nothing_else():
    samples = list(rollout_samples(Snapshots(), 5))
    assert len(samples) == 2 * 20
    for sample in samples:
        brightness = 10 * sample.states["slot_2"]
        own_first = {"slot_1": [0, 1, 2], "slot_2": [1, 0, 2]}
        for camera, views in sample.views.items():
            assert views.shape == (9, 84, 84)
            assert (views[::3].max(axis=(1, 2)) - brightness).tolist() == own_first[camera]
            assert np.array_equal(sample.masks[camera], views.reshape(3, 3, 84, 84)[:, :2] + 100)
            assert not views[6, :, :10].any(), "the side view lies on its side"


def test_masks_are_written_beside_the_images_that_are_kept(tmp_path):
    images = collect_in_processes(
        Snapshots, tmp_path, range(3), per_class=4, processes=1, log=lambda line: None
    )
    masks = load_masks(tmp_path, images)
    assert len(masks.frames) == 3 * len(images)
    assert np.array_equal(masks.coverage, masks.frames[:, :2] + 100)


def test_both_slots_are_seen_at_the_same_timestep_the_own_one_first(tmp_path):
    images = collect_in_processes(
        WalkingStates, tmp_path, range(4), per_class=8, processes=1, log=lambda line: None
    )
    for camera in ("slot_1", "slot_2"):
        examples = load_examples(tmp_path, [image for image in images if image.camera == camera])
        assert examples.frames.shape[1:] == (9, 84, 84)
        for views, state in zip(examples.frames, examples.states, strict=True):
            own, other, _ = np.split(views, 3)
            first, second = (own, other) if camera == "slot_1" else (other, own)
            states = shown(first, 4), shown(second, 7)
            assert states[camera == "slot_2"] == state
            assert states[0] == states[1] * 4 // 7, "both are those of one place"


def test_the_number_of_processes_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("mentor_reward.dataset.collection.EPISODES_PER_PART", 2)
    made = {}
    for processes in (1, 2):
        made[processes] = collect_in_processes(
            WalkingStates,
            tmp_path / str(processes),
            range(5),
            per_class=9,
            processes=processes,
            log=lambda line: None,
        )
    assert made[1] == made[2] == read_labels(tmp_path / "1")
    assert len({image.file.split("-")[1] for image in made[1]}) == 3, "three parts"
    first, second = (load_examples(tmp_path / n, made[1]) for n in ("1", "2"))
    assert np.array_equal(first.frames, second.frames)


def test_the_same_seeds_give_the_same_images(tmp_path):
    for name in ("a", "b"):
        collect_in_processes(
            WalkingStates, tmp_path / name, range(6), per_class=5, processes=1, log=lambda _: None
        )
    first, second = (load_examples(tmp_path / n, read_labels(tmp_path / n)) for n in ("a", "b"))
    assert np.array_equal(first.frames, second.frames)
    assert np.array_equal(first.states, second.states)


def test_pictures_in_folders_named_as_states_get_their_labels(tmp_path):
    for folder, value in (("inside", 200), ("side", 100), ("unsorted", 50)):
        (tmp_path / "real" / folder).mkdir(parents=True)
        picture = np.full((480, 640, 3), value, np.uint8)
        cv2.imwrite(str(tmp_path / "real" / folder / "a.jpg"), picture)
    arguments = ["collect", "--pictures", str(tmp_path / "real"), "--camera", "slot_1"]
    assert main([*arguments, "--data", str(tmp_path / "data")]) == 0
    images = read_labels(tmp_path / "data")
    assert [image.state for image in images] == [3, 1, None]
    assert load_examples(tmp_path / "data", images).frames.shape == (2, 3, 84, 84)
    import_pictures(tmp_path / "real", "slot_2", tmp_path / "data")
    assert len(read_labels(tmp_path / "data")) == 6, "what was there stays"


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no pictures"):
        import_pictures(tmp_path, "slot_1", tmp_path / "data")


@pytest.fixture
def bag(tmp_path):
    """A bag with four seconds of a red picture at 10 Hz, in a namespace."""
    return write_bag(tmp_path / "cell.mcap", {"slot_1": 0})


def write_bag(path, planes, stamped=lambda index: None):
    """Pictures at 10 Hz whose brightness tells the time, each camera in one colour plane."""
    from mcap.writer import CompressionType, Writer
    from rclpy.serialization import serialize_message

    with path.open("wb") as stream:
        writer = Writer(stream, compression=CompressionType.ZSTD)
        writer.start(profile="ros2", library="test")
        schema = writer.register_schema("sensor_msgs/msg/Image", "ros2msg", b"")
        channels = {
            camera: writer.register_channel(
                f"/cell_a/camera/{camera}/color/image_raw", "cdr", schema
            )
            for camera in planes
        }
        for index in range(40):
            for camera, plane in planes.items():
                pixels = np.zeros((48, 64, 3), np.uint8)
                pixels[:, :, plane] = 6 * index
                data = serialize_message(array_to_image(pixels, "rgb8", stamp=stamped(index)))
                stamp = index * 100_000_000
                writer.add_message(channels[camera], stamp, data, stamp)
        writer.finish()
    return path


def test_a_bag_gives_unlabelled_frames_at_the_wanted_distance_in_the_right_colour(bag, tmp_path):
    added = import_bag(bag, "slot_1", tmp_path / "data", every_s=0.5)
    assert len(added) == 8 and all(image.state is None for image in added)
    from mentor_reward.dataset.labelled_images import read_frame

    frame = read_frame(tmp_path / "data" / added[1].file)
    assert frame.shape == (3, 84, 84)
    assert (frame[0] == 30).all() and not frame[1:].any()


def test_frames_of_a_bag_are_spaced_by_their_stamps_also_behind_a_clock_set_back(tmp_path):
    def stamp(index):  # a twin ten times as fast as real time, restarted after 20 images
        return Time(sec=100 + index % 20)

    bag = write_bag(tmp_path / "twin.mcap", {"slot_1": 0}, stamp)
    added = import_bag(bag, "slot_1", tmp_path / "data", every_s=5.0)
    assert len(added) == 8


@pytest.mark.parametrize(
    "planes", [{"slot_2": 2, "slot_1": 0}, {"slot_2": 2, "side": 1, "slot_1": 0}]
)
def test_a_bag_gives_all_views_of_a_timestep_that_it_has(planes, tmp_path):
    bag = write_bag(tmp_path / "all.mcap", planes)
    added = import_bag(bag, "slot_1", tmp_path / "data", every_s=0.5)
    assert len(added) == 8
    labelled = [replace(image, state=0) for image in added]
    frames = load_examples(tmp_path / "data", labelled).frames
    assert frames.shape == (8, 3 * len(planes), 84, 84)
    for index, views in enumerate(frames):
        brightest = views.max(axis=(1, 2)).reshape(-1, 3)
        in_order = [planes[name] for name in ("slot_1", "slot_2", "side") if name in planes]
        assert (brightest == 30 * index * np.eye(3)[in_order]).all()


def test_a_bag_without_the_other_slot_gives_no_third_view_in_place_of_the_second(tmp_path):
    bag = write_bag(tmp_path / "gap.mcap", {"side": 1, "slot_1": 0})
    added = import_bag(bag, "slot_1", tmp_path / "data", every_s=0.5)
    labelled = [replace(image, state=0) for image in added]
    assert load_examples(tmp_path / "data", labelled).frames.shape == (8, 3, 84, 84)


def test_a_bag_without_the_topic_names_those_it_has(bag, tmp_path):
    with pytest.raises(ValueError, match=r"it has .*/cell_a/camera/slot_1/color/image_raw"):
        import_bag(bag, "slot_2", tmp_path / "data")


@pytest.mark.parametrize("text", ["max_steps=50", "[1]", "50"])
def test_environment_options_that_are_no_json_object_are_refused_by_name(text, capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args(["--env-options", '{"max_steps": 50}']).env_options == {
        "max_steps": 50
    }
    assert parser.parse_args([]).env_options == {}
    with pytest.raises(SystemExit):
        parser.parse_args(["--env-options", text])
    said = capsys.readouterr().err
    assert "--env-options" in said and text in said and "no JSON object" in said
