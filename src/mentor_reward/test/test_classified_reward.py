"""The reward node with classifiers, as a process, over real DDS."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_stream import FakeStream
from slot_pictures import slot_picture
from task_node import TASK, task_node

from mentor_common.tasks.cable_routing import cable_reward
from mentor_reward.classifier.slot_classifier import SlotClassifier, load_classifiers
from mentor_reward.classifier.slot_network import SlotNetwork
from mentor_reward.classifier.slots import views_of
from mentor_reward.classifier.training import TrainingSettings, train_classifier
from mentor_reward.dataset.labelled_images import Examples
from mentor_reward.rewards.cable_routing import SlotStateReader, judge_states


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Classifiers that read the place of a bar."""
    folder = tmp_path_factory.mktemp("weights")
    rng = np.random.default_rng(1)
    for camera, classes in (("slot_1", 4), ("slot_2", 7)):
        states = np.repeat(np.arange(classes), 24)
        frames = np.stack([slot_picture(camera, s, rng) for s in states])
        groups = np.array([f"g{i % 12}" for i in range(len(states))])
        settings = TrainingSettings(epochs=12, batch=16)
        examples = Examples(frames, states, groups, np.empty((len(states), 0), np.float32))
        result = train_classifier(camera, examples, settings, log=lambda line: None)
        result.classifier.save(folder / f"{camera}.safetensors")
    return folder


def picture_of(first: int, second: int, rng: np.random.Generator) -> np.ndarray:
    """Pixels in which only the last frames of the slot cameras show these states."""
    pixels = rng.integers(0, 256, TASK.layout.shape, dtype=np.uint8)
    planes = pixels.reshape(3, 3, 3, 84, 84)
    planes[1, -1] = slot_picture("slot_1", first, rng)
    planes[2, -1] = slot_picture("slot_2", second, rng)
    return pixels


def test_only_the_frame_at_the_end_of_the_motion_is_looked_at(weights):
    reader = SlotStateReader(load_classifiers(weights), TASK.layout)
    rng = np.random.default_rng(3)
    pixels = picture_of(2, 4, rng)
    other = rng.integers(0, 256, pixels.shape, dtype=np.uint8).reshape(3, 3, 3, 84, 84)
    other[1:, -1] = pixels.reshape(3, 3, 3, 84, 84)[1:, -1]
    assert reader.read(pixels) == reader.read(other.reshape(pixels.shape)) == (2, 4)


def test_the_node_gives_what_the_classifiers_in_process_see(weights):
    reader = SlotStateReader(load_classifiers(weights), TASK.layout)
    rng = np.random.default_rng(4)
    stream = FakeStream()
    try:
        with task_node("mentor_reward.nodes.reward_node", states="classified", weights=weights):
            stream.wait_for_node("classified")
            pairs = [(0, 0), (1, 6), (2, 3), (3, 0), (3, 3), (3, 5), (3, 6)]
            for step, pair in enumerate(pairs, start=1):
                pixels = picture_of(*pair, rng)
                stream.motion(1, step)
                stream.observation(1, step, pixels)
                seen = judge_states(*reader.read(pixels), step, 40)
                reward = stream.reward(1, step)
                assert reward.value == seen.value == cable_reward(*pair)
                assert dict(zip(reward.term_names, reward.terms, strict=True)) == dict(seen.terms)
                assert reward.success == (pair == (3, 6))
    finally:
        stream.close()


def test_without_weights_the_node_ends_with_an_error_that_names_the_file(tmp_path, capfd):
    with task_node(
        "mentor_reward.nodes.reward_node", states="classified", weights=tmp_path
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
    from mentor_common.messages.frames import FrameLayout

    cameras = ("slot_2", "side") if views < 3 else ("slot_1", "slot_2")
    lacking = "slot_1" if views < 3 else "side"
    with pytest.raises(ValueError, match=f"lack camera '{lacking}', have"):
        SlotStateReader(untrained(views), FrameLayout(cameras, 3, 84, 84, stacked=False))


def test_classifiers_of_the_same_finders_search_each_frame_once_and_see_what_they_saw(tmp_path):
    made = untrained(3)
    for finder in ("finder", "side_finder"):
        weights = getattr(made["slot_1"].network, finder).state_dict()
        getattr(made["slot_2"].network, finder).load_state_dict(weights)
    for camera, classifier in made.items():
        classifier.save(tmp_path / f"{camera}.safetensors")
    classifiers = load_classifiers(tmp_path)
    rng = np.random.default_rng(5)
    for _ in range(20):
        cameras = ("side", "slot_1", "slot_2")
        frames = {c: rng.integers(0, 256, (3, 84, 84), dtype=np.uint8) for c in cameras}
        measured = {}
        for camera, classifier in classifiers.items():
            seen = classifier.see(frames, measured)
            assert seen == classifier.classify(views_of(camera, frames))
        assert len(measured) == 3


def test_classifiers_of_other_finders_measure_for_themselves(tmp_path):
    for camera, classifier in untrained(2).items():
        classifier.save(tmp_path / f"{camera}.safetensors")
    frames = {c: np.zeros((3, 84, 84), np.uint8) for c in ("slot_1", "slot_2")}
    measured = {}
    for classifier in load_classifiers(tmp_path).values():
        classifier.see(frames, measured)
    assert len(measured) == 4
