"""The reward node with classifiers, as a process, over real DDS."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_stream import FakeStream
from slot_pictures import shown, slot_picture
from task_node import TASK, task_node
from test_cable_reward import BY_HAND

from mentor_reward.classifier.slot_classifier import SlotClassifier, load_classifiers
from mentor_reward.classifier.slot_network import SlotNetwork
from mentor_reward.classifier.slots import SLOTS, VIEWS, views_of
from mentor_reward.classifier.training import train_classifier
from mentor_reward.classifier.training_settings import TrainingSettings
from mentor_reward.dataset.labelled_images import Examples
from mentor_reward.rewards.cable_routing import SlotStateReader


class Recording:
    """Stands in for a classifier: keeps what it is shown and reads the bar in its own picture."""

    def __init__(self, camera: str) -> None:
        self.camera, self.cameras, self.shown = camera, VIEWS[camera], []

    def frame_logits(self, frames: dict[str, np.ndarray], cache: object) -> np.ndarray:
        self.shown.append({name: frame.copy() for name, frame in frames.items()})
        classes = len(SLOTS[self.camera])
        return np.log(np.where(np.arange(classes) == shown(frames[self.camera], classes), 0.9, 0.1))


def picture_of(first: int, second: int, rng: np.random.Generator) -> np.ndarray:
    """Pixels in which only the last frames of the slot cameras show these states."""
    pixels = rng.integers(0, 256, TASK.layout.shape, dtype=np.uint8)
    planes = pixels.reshape(3, 3, 3, 84, 84)
    planes[1, -1] = slot_picture("slot_1", first, rng)
    planes[2, -1] = slot_picture("slot_2", second, rng)
    return pixels


def test_only_the_frame_at_the_end_of_the_motion_is_classified():
    classifiers = {camera: Recording(camera) for camera in SLOTS}
    reader = SlotStateReader(classifiers, TASK.observed_cameras)
    rng = np.random.default_rng(3)
    for pair in ((2, 4), (0, 6), (3, 0)):
        pixels = picture_of(*pair, rng)
        slots = reader.slots(TASK.layout.newest_frames(pixels))
        assert tuple(slot.state for slot in slots) == pair
        for slot, classifier in zip(slots, classifiers.values(), strict=True):
            others = 0.1 * (len(SLOTS[classifier.camera]) - 1)
            assert slot.probability == pytest.approx(0.9 / (0.9 + others)), "a softmax"
        last = pixels.reshape(3, 3, 3, 84, 84)[:, -1]
        for classifier in classifiers.values():
            for name, frame in classifier.shown[-1].items():
                expected = last[TASK.observed_cameras.index(name)]
                assert np.array_equal(frame, expected), name


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Classifiers of one view that read the place of a bar, trained a little."""
    folder = tmp_path_factory.mktemp("weights")
    rng = np.random.default_rng(1)
    for camera, classes in (("slot_1", 4), ("slot_2", 7)):
        states = np.repeat(np.arange(classes), 12)
        frames = np.stack([slot_picture(camera, s, rng) for s in states])
        groups = np.array([f"g{i % 12}" for i in range(len(states))])
        settings = TrainingSettings(epochs=8, batch=16)
        examples = Examples(frames, states, groups, np.empty((len(states), 0), np.float32))
        result = train_classifier(camera, examples, settings, log=lambda line: None)
        result.classifier.save(folder / f"{camera}.safetensors")
    return folder


def clear_picture(classifiers, pair, rng):
    """Pixels whose classes the networks see with a margin that no rounding bridges."""
    for _ in range(200):
        pixels = picture_of(*pair, rng)
        planes = pixels.reshape(3, 3, 3, 84, 84)
        margins = []
        for index, camera in enumerate(SLOTS):
            logits = np.sort(classifiers[camera].logits(planes[None, 1 + index, -1])[0])
            margins.append(logits[-1] - logits[-2])
        if min(margins) > 0.05:
            return pixels
    raise AssertionError(f"no picture of {pair} is seen clearly")


def test_the_node_rewards_what_each_slots_own_network_sees_in_the_last_frame(weights):
    classifiers = load_classifiers(weights)
    rng = np.random.default_rng(4)
    stream = FakeStream()
    try:
        with task_node("mentor_reward.nodes.reward_node", states="sensors", weights=weights):
            stream.wait_for_node("sensors")
            pairs = [(0, 0), (1, 6), (2, 3), (3, 0), (3, 3), (3, 5), (3, 6)]
            for step, pair in enumerate(pairs, start=1):
                pixels = clear_picture(classifiers, pair, rng)
                stream.motion(1, step)
                stream.observation(1, step, pixels)
                last = pixels.reshape(3, 3, 3, 84, 84)[1:, -1]
                # Straight from the networks, past all that the node shares with the environment.
                first, second = (
                    int(classifiers[camera].logits(frame[None])[0].argmax())
                    for camera, frame in zip(SLOTS, last, strict=True)
                )
                reward = stream.reward(1, step)
                assert reward.value == BY_HAND[first][second]
                assert reward.success == ((first, second) == (3, 6))
    finally:
        stream.close()


def test_without_weights_the_node_ends_with_an_error_that_names_the_file(tmp_path, capfd):
    with task_node(
        "mentor_reward.nodes.reward_node", states="sensors", weights=tmp_path
    ) as process:
        assert process.wait(60) == 1
    assert "no weights of 'slot_1'" in capfd.readouterr().err


def untrained(views: int) -> dict[str, SlotClassifier]:
    """Classifiers of random weights."""
    torch.manual_seed(views)
    return {
        camera: SlotClassifier(camera, SlotNetwork(classes, views))
        for camera, classes in (("slot_1", 4), ("slot_2", 7))
    }


@pytest.mark.parametrize("views", [1, 2, 3])
def test_a_layout_without_the_cameras_that_are_looked_at_is_refused(views):
    cameras = ("slot_2", "side") if views < 3 else ("slot_1", "slot_2")
    lacking = "slot_1" if views < 3 else "side"
    with pytest.raises(ValueError, match=rf"need the cameras \['{lacking}'\]; the task observes"):
        SlotStateReader(untrained(views), cameras)


def test_classifiers_of_the_same_segmenters_search_each_frame_once_and_see_what_they_saw(tmp_path):
    made = untrained(3)
    for segmenter in ("segmenter", "side_segmenter"):
        weights = getattr(made["slot_1"].network, segmenter).state_dict()
        getattr(made["slot_2"].network, segmenter).load_state_dict(weights)
    for camera, classifier in made.items():
        classifier.save(tmp_path / f"{camera}.safetensors")
    classifiers = load_classifiers(tmp_path)
    rng = np.random.default_rng(5)
    for _ in range(20):
        cameras = ("side", "slot_1", "slot_2")
        frames = {c: rng.integers(0, 256, (3, 84, 84), dtype=np.uint8) for c in cameras}
        cache = {}
        for camera, classifier in classifiers.items():
            seen = classifier.classify_frames(frames, cache)
            assert seen == classifier.classify(views_of(camera, frames))
        assert len(cache) == 3


def test_classifiers_of_other_segmenters_measure_for_themselves(tmp_path):
    for camera, classifier in untrained(2).items():
        classifier.save(tmp_path / f"{camera}.safetensors")
    frames = {c: np.zeros((3, 84, 84), np.uint8) for c in ("slot_1", "slot_2")}
    cache = {}
    for classifier in load_classifiers(tmp_path).values():
        classifier.classify_frames(frames, cache)
    assert len(cache) == 4
