"""Training holds whole groups back, balances the classes, learns, and repeats itself exactly."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from slot_pictures import make_dataset, slot_picture

from mentor_reward.__main__ import main
from mentor_reward.classifier.image_network import ImageNetwork
from mentor_reward.classifier.learners import profile_loss
from mentor_reward.classifier.slot_classifier import SlotClassifier
from mentor_reward.classifier.slot_network import BANDS, SlotNetwork
from mentor_reward.classifier.slots import states_of
from mentor_reward.classifier.training import train_classifier
from mentor_reward.classifier.training_settings import TrainingSettings
from mentor_reward.dataset.labelled_images import (
    Examples,
    Masks,
    read_labels,
    write_labels,
)

ROWS = slice(40, 49)
"""Rows of a picture that the segmenters are trained on: the bar looks alike in all."""


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(1)
    states = np.repeat(np.arange(4), 32)
    frames = np.stack([slot_picture("slot_1", s, rng) for s in states])
    groups = np.array([f"g{i % 16}" for i in range(len(states))])
    profiles = np.stack([states / 4, np.full(len(states), np.nan)], axis=1).astype(np.float32)
    return Examples(frames, states, groups, profiles)


SETTINGS = TrainingSettings(epochs=14, batch=16, segmenter_steps=80)
ONE_EPOCH = TrainingSettings(epochs=1, batch=16)


def masks_of(pictures, columns=8, view=0):
    """Segmentation masks of the bar's first columns in the pictures' last three planes."""
    coverage = np.zeros((len(pictures), 1, 9, 84), np.uint8)
    for mask, state in zip(coverage[:, 0], pictures.states, strict=True):
        left = 4 + state * 80 // 4
        mask[:, left : left + columns] = 255
    views = np.full(len(pictures), view, np.int64)
    return Masks(pictures.frames[:, -3:, ROWS], coverage, views)


def every(number, pictures):
    """Return that share of the pictures, of all states and groups."""
    return pictures.subset(np.arange(len(pictures)) % number == 0)


@pytest.fixture(scope="module")
def trained(pictures):
    masks = masks_of(pictures)
    return train_classifier("slot_1", pictures, SETTINGS, log=lambda line: None, masks=masks)


def accuracy(classifier, blind_views=0):
    """Share of fresh pictures whose state is recognised; chance is a quarter.

    A margin below 1 is left everywhere: how a network rounds depends on the processor.
    """
    rng = np.random.default_rng(2)
    states = np.repeat(np.arange(4), 25)
    frames = np.stack([slot_picture("slot_1", s, rng) for s in states])
    blank = rng.integers(0, 256, (len(states), 3 * blind_views, 84, 84), dtype=np.uint8)
    logits = classifier.logits(np.concatenate([blank, frames], axis=1))
    return (logits.argmax(1) == states).mean()


def test_a_classifier_learns_what_the_pictures_show(trained):
    assert accuracy(trained.classifier) > 0.9


def test_the_same_pictures_and_seed_give_the_same_weights(pictures):
    pictures = every(3, pictures)
    begun = train_classifier("slot_1", pictures, ONE_EPOCH, log=lambda line: None)
    again = train_classifier("slot_1", pictures, ONE_EPOCH, log=lambda line: None)
    for name, tensor in begun.classifier.network.state_dict().items():
        assert torch.equal(tensor, again.classifier.network.state_dict()[name]), name


def test_further_images_calibrate_the_logits_and_train_nothing_else(trained, pictures):
    pictures = every(3, pictures)
    # Pictures of SIDE that are said to show ABOVE: that class is recognised least.
    side = pictures.subset(pictures.states == 1)
    further = Examples(side.frames, np.full(len(side), 2), side.groups, side.profiles)
    one = replace(ONE_EPOCH, learning_rate=1e-5)
    results = [
        train_classifier(
            "slot_1", pictures, one, trained.classifier, lambda line: None, calibrate_on=images
        )
        for images in (None, further)
    ]
    before, after = (result.classifier.network.state_dict() for result in results)
    last = max(name for name in after if name.startswith("head.") and name.endswith(".bias"))
    assert after[last][2] - before[last][2] > 0.5
    for name in after.keys() - {last}:
        assert torch.equal(before[name], after[name]), name


def test_training_can_begin_with_a_classifier(trained, pictures):
    one = TrainingSettings(epochs=1, batch=16, learning_rate=1e-5)
    result = train_classifier("slot_1", pictures, one, trained.classifier, log=lambda line: None)
    assert result.recalls.mean() > 0.9, "anew, one pass at such a rate teaches nothing"


def test_training_stops_when_it_gets_no_better(pictures):
    said: list[str] = []
    settings = TrainingSettings(epochs=40, patience=2, batch=16)
    train_classifier("slot_1", every(3, pictures), settings, log=said.append)
    assert "no improvement for 2 epochs" in said[-1] and len(said) < 40


def test_by_default_training_stops_after_a_third_of_its_epochs_without_improvement():
    defaults = [TrainingSettings(epochs=epochs).patience_epochs for epochs in (12, 60, 150)]
    assert defaults == [10, 20, 50] and TrainingSettings(patience=2).patience_epochs == 2


def test_a_class_without_pictures_is_refused_by_name(pictures):
    with pytest.raises(ValueError, match=r"slot_1.*\['ABOVE'\]"):
        train_classifier("slot_1", pictures.subset(pictures.states != 2), SETTINGS)


@pytest.mark.parametrize(("kind", "network"), [("profile", SlotNetwork), ("image", ImageNetwork)])
def test_without_profiles_and_masks_the_states_alone_are_learned(pictures, kind, network):
    bare = replace(pictures, profiles=np.empty((len(pictures), 0), np.float32))
    settings = TrainingSettings(epochs=5, batch=8)
    result = train_classifier("slot_1", bare, settings, log=lambda line: None, network=kind)
    assert isinstance(result.classifier.network, network)
    assert accuracy(result.classifier) > 0.6


def test_without_profiles_and_masks_the_image_network_is_the_default(pictures):
    bare = every(3, replace(pictures, profiles=np.empty((len(pictures), 0), np.float32)))
    result = train_classifier("slot_1", bare, ONE_EPOCH, log=lambda line: None)
    assert isinstance(result.classifier.network, ImageNetwork)


def test_images_that_a_person_labelled_are_enough_to_train_and_to_reward(tmp_path, capsys):
    from mentor_reward.classifier.slot_classifier import load_classifiers
    from mentor_reward.dataset.label_server import Labelling

    make_dataset(tmp_path / "taken", per_class=12)
    for camera in ("slot_1", "slot_2"):
        taken = ["--camera", camera, "--pictures", str(tmp_path / "taken" / camera)]
        assert main(["collect", "--data", str(tmp_path / "data"), *taken]) == 0
    page = Labelling(tmp_path / "data")
    truth = {image.file: image for image in read_labels(tmp_path / "taken")}
    names = sorted(truth)
    for image, name in zip(page.listing()["images"], names, strict=True):
        assert image["state"] is None, "nobody has labelled it yet"
        page.label(image["file"], truth[name].state)
    taken = zip(read_labels(tmp_path / "data"), names, strict=True)
    labelled = [replace(image, group=truth[name].group) for image, name in taken]
    write_labels(tmp_path / "data", labelled)
    weights = tmp_path / "weights"
    train = ["train", "--data", str(tmp_path / "data"), "--weights", str(weights)]
    assert main([*train, "--epochs", "4", "--batch", "4"]) == 0
    rng, cache, right = np.random.default_rng(5), {}, []
    for camera, classifier in load_classifiers(weights).items():
        assert isinstance(classifier.network, ImageNetwork) and classifier.cameras == (camera,)
        for state in states_of(camera):
            seen = classifier.classify_frames({camera: slot_picture(camera, state, rng)}, cache)
            right.append(seen == state)
    assert np.mean(right) > 0.5, "chance is a fifth"


@pytest.mark.parametrize("told", [True, False])
def test_states_teach_places_only_where_no_profile_tells_them(trained, pictures, told):
    profiles = np.full((len(pictures), 18), 0.5 if told else np.nan, np.float32)
    known = replace(pictures, profiles=profiles)
    one = TrainingSettings(epochs=1, batch=16, learning_rate=1e-4, profile_weight=0.0)
    result = train_classifier("slot_1", known, one, trained.classifier, log=lambda line: None)
    before, after = trained.classifier.network, result.classifier.network
    changed = [
        float(
            (getattr(after, part)[0].weight - getattr(before, part)[0].weight).detach().abs().max()
        )
        for part in ("trunk", "head")
    ]
    assert (changed[0] > 2e-4) is not told and changed[1] > 2e-4


def test_a_profile_of_too_many_numbers_is_refused(pictures):
    long = replace(pictures, profiles=np.zeros((len(pictures), 19), np.float32))
    with pytest.raises(ValueError, match="profiles of 19 numbers; at most 18"):
        train_classifier("slot_1", long, SETTINGS)


def test_unknown_places_of_a_profile_do_not_count():
    true = torch.tensor([[1.0, float("nan")], [2.0, 4.0]])
    seen = torch.tensor([[1.5, 9.0], [2.0, 4.0]])
    assert float(profile_loss(seen, true)) == pytest.approx(0.5 / 3)


def test_weights_come_back_from_their_file_and_say_what_they_are(trained, tmp_path):
    path = tmp_path / "slot_1.safetensors"
    trained.classifier.save(path, images="160")
    assert path.stat().st_size < 1_000_000
    loaded = SlotClassifier.load("slot_1", tmp_path)
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 84, 84), dtype=np.uint8)
    assert np.array_equal(loaded.logits(frames), trained.classifier.logits(frames))


@pytest.fixture(scope="module")
def two_views(pictures):
    """Pictures whose own view shows nothing: the state is seen by the other camera alone."""
    blank = np.random.default_rng(3).integers(0, 256, pictures.frames.shape, dtype=np.uint8)
    return replace(pictures, frames=np.concatenate([blank, pictures.frames], axis=1))


def test_what_only_the_other_camera_shows_is_learned_and_kept_in_the_file(two_views, tmp_path):
    masks = masks_of(two_views, view=1)
    result = train_classifier("slot_1", two_views, SETTINGS, log=lambda line: None, masks=masks)
    assert accuracy(result.classifier, blind_views=1) > 0.9
    result.classifier.save(tmp_path / "slot_1.safetensors")
    loaded = SlotClassifier.load("slot_1", tmp_path)
    assert loaded.views == 2
    seen = loaded.logits(two_views.frames)
    assert np.array_equal(seen, result.classifier.logits(two_views.frames))
    with pytest.raises(ValueError, match=r"'slot_1' needs 2 frames .*, got 3 planes"):
        loaded.logits(two_views.frames[:, :3])


def test_a_classifier_of_one_view_ignores_the_others(trained, pictures):
    noise = np.random.default_rng(4).integers(0, 256, pictures.frames.shape, dtype=np.uint8)
    assert trained.classifier.views == 1
    both = np.concatenate([pictures.frames, noise], axis=1)
    seen = trained.classifier.logits(both)
    assert np.array_equal(seen, trained.classifier.logits(pictures.frames))


def test_a_segmenter_trained_on_masks_locates_the_bar(trained):
    frame = torch.from_numpy(slot_picture("slot_1", 2, np.random.default_rng(9)))[None]
    with torch.inference_mode():
        width, middle = trained.classifier.network.extract_features(frame).reshape(2, BANDS)
    inside = slice(5, 23)  # bands that the bar runs through
    assert (width[inside] - 8).abs().mean() < 0.5
    assert (middle[inside] - (44 + 3.5 - 41.5)).abs().mean() < 0.5


def test_the_side_view_has_a_segmenter_of_its_own(pictures):
    pictures = every(5, pictures)
    # Of the same frames the two segmenters are to find different things.
    bar, line = masks_of(pictures), masks_of(pictures, columns=1, view=2)
    masks = Masks(
        np.concatenate([bar.frames, line.frames]),
        np.concatenate([bar.coverage, line.coverage]),
        np.concatenate([bar.views, line.views]),
    )
    three = replace(pictures, frames=np.concatenate([pictures.frames] * 3, axis=1))
    settings = TrainingSettings(epochs=1, batch=16, segmenter_steps=80)
    result = train_classifier("slot_1", three, settings, log=lambda text: None, masks=masks)
    network = result.classifier.network
    with torch.inference_mode():
        features = network.extract_features(torch.from_numpy(three.frames[:1])).reshape(3, 2, BANDS)
    widths = features[:, 0, 5:23].mean(1)
    assert torch.equal(features[0], features[1])
    assert abs(widths[0] - 8) < 0.5 and abs(widths[2] - 1) < 0.5
    with pytest.raises(ValueError, match="lack the view of the side camera"):
        train_classifier("slot_1", three, settings, masks=bar)


def test_weights_of_another_slot_are_refused(trained, tmp_path):
    trained.classifier.save(tmp_path / "slot_2.safetensors")
    with pytest.raises(ValueError, match=r"of camera 'slot_1', expected .* of 'slot_2'"):
        SlotClassifier.load("slot_2", tmp_path)


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    (tmp_path / "slot_1.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="is no safetensors file"):
        SlotClassifier.load("slot_1", tmp_path)


def test_a_frame_of_uint8_and_of_float_gives_the_same_logits():
    network = SlotNetwork(4).eval()
    frame = torch.randint(0, 256, (1, 3, 84, 84), dtype=torch.uint8)
    assert torch.equal(network(frame), network(frame.float()))


def test_the_commands_train_and_evaluate_on_other_pictures_and_draw_the_matrix(tmp_path, capsys):
    make_dataset(tmp_path / "train", per_class=12, seed=0)
    make_dataset(tmp_path / "held", per_class=6, seed=1)
    make_dataset(tmp_path / "calibration", per_class=6, seed=2)
    weights = tmp_path / "weights"
    train = ["train", "--data", str(tmp_path / "train"), "--weights", str(weights)]
    train += ["--calibrate-on", str(tmp_path / "calibration")]
    assert main([*train, "--epochs", "8", "--batch", "4"]) == 0
    numbers, picture = tmp_path / "numbers.json", tmp_path / "confusion.png"
    evaluate = ["evaluate", "--data", str(tmp_path / "held"), "--weights", str(weights)]
    assert main([*evaluate, "--numbers", str(numbers), "--picture", str(picture)]) == 0
    written = json.loads(numbers.read_text())
    assert set(written) == {"slot_1", "slot_2"} and set(written["slot_2"]["recall"]) >= {"SIDE"}
    assert written["slot_1"]["accuracy"] > 0.9
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size < 300_000
    assert "recall" in capsys.readouterr().out


def test_a_command_that_lacks_its_data_says_so_and_fails(tmp_path, capsys):
    assert main(["train", "--data", str(tmp_path), "--weights", str(tmp_path)]) == 2
    assert "labels.csv does not exist" in capsys.readouterr().err
