"""Collecting: from an environment by its id, from pictures in folders, from an MCAP bag."""

from __future__ import annotations

from collections import Counter

import cv2
import gymnasium
import numpy as np
import pytest
from slot_pictures import slot_picture

from mentor_common.frames import FrameLayout
from mentor_common.images import array_to_image
from mentor_reward.collection import (
    collect_in_processes,
    import_bag,
    import_pictures,
    rollout_samples,
)
from mentor_reward.command_line import main
from mentor_reward.labelled_images import load_examples, read_labels


class WalkingStates(gymnasium.Env):
    """States that walk up and down with the first action; pictures that show them."""

    frame_layout = FrameLayout(("side", "slot_1", "slot_2"), 3, 84, 84, sliding=False)
    observation_space = gymnasium.spaces.Box(0, 255, frame_layout.shape, np.uint8)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.steps = 0.0, 0
        return self._see()

    def step(self, action):
        self.place = float(np.clip(self.place + action[0], 0.0, 6.99))
        self.steps += 1
        observation, info = self._see()
        info["midpoint"] = dict(info)
        return observation, 0.0, False, self.steps == 20, info

    def expert_action(self):
        return np.array([1.0, 0.0], np.float32)

    def _see(self):
        states = {"slot_1": int(self.place) * 4 // 7, "slot_2": int(self.place)}
        pixels = np.zeros((3, 3, 3, 84, 84), np.uint8)
        for index, camera in enumerate(("slot_1", "slot_2"), start=1):
            for frame in (1, 2):
                pixels[index, frame] = slot_picture(camera, states[camera], self.np_random)
        profile = {"slot_2_profile": np.full((2, 2), self.place / 100)}
        return pixels.reshape(self.frame_layout.shape), {**states, **profile}


def test_every_step_is_a_sample_and_its_midpoint_too_with_the_states_they_show():
    samples = list(rollout_samples(WalkingStates(), 5))
    assert len(samples) == 1 + 2 * 20
    assert {s.group for s in samples} == {"seed-5"}
    for sample in samples:
        lit = sample.frames["slot_2"].mean(axis=0)[20:60].mean(axis=0)
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
    from mcap.writer import CompressionType, Writer
    from rclpy.serialization import serialize_message

    path = tmp_path / "cell.mcap"
    with path.open("wb") as stream:
        writer = Writer(stream, compression=CompressionType.ZSTD)
        writer.start(profile="ros2", library="test")
        schema = writer.register_schema("sensor_msgs/msg/Image", "ros2msg", b"")
        topic = "/cell_a/camera/slot_1/color/image_raw"
        channel = writer.register_channel(topic, "cdr", schema)
        for index in range(40):
            pixels = np.zeros((48, 64, 3), np.uint8)
            pixels[:, :, 0] = 6 * index
            data = serialize_message(array_to_image(pixels, "rgb8"))
            stamp = index * 100_000_000
            writer.add_message(channel, stamp, data, stamp)
        writer.finish()
    return path


def test_a_bag_gives_unlabelled_frames_at_the_wanted_distance_in_the_right_colour(bag, tmp_path):
    added = import_bag(bag, "slot_1", tmp_path / "data", every_s=0.5)
    assert len(added) == 8 and all(image.state is None for image in added)
    from mentor_reward.labelled_images import read_frame

    frame = read_frame(tmp_path / "data" / added[1].file)
    assert frame.shape == (3, 84, 84)
    assert (frame[0] == 30).all() and not frame[1:].any()


def test_a_bag_without_the_topic_names_those_it_has(bag, tmp_path):
    with pytest.raises(ValueError, match=r"it has .*/cell_a/camera/slot_1/color/image_raw"):
        import_bag(bag, "slot_2", tmp_path / "data")
