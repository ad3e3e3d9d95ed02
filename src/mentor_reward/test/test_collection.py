"""Collecting from an environment."""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np
import pytest
from slot_pictures import make_dataset, shown
from walking_states import WalkingStates

from mentor_reward.cli.collect import add_arguments
from mentor_reward.dataset.collection import collect_in_processes, rollout_samples
from mentor_reward.dataset.label_changes import change_labels, known_labels
from mentor_reward.dataset.labelled_images import (
    LabelledImage,
    load_examples,
    load_masks,
    read_labels,
)


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


def test_a_twin_s_images_are_not_added_to_those_of_a_person(tmp_path):
    make_dataset(tmp_path, per_class=1)
    before = read_labels(tmp_path), (tmp_path / "slot_1" / "side-0.png").read_bytes()
    with pytest.raises(
        ValueError, match=r"lists 11 images of another origin than the seeds 0 to 3"
    ):
        collect_in_processes(WalkingStates, tmp_path, range(4), per_class=5, processes=1)
    assert before == (read_labels(tmp_path), (tmp_path / "slot_1" / "side-0.png").read_bytes())


def test_a_collection_from_a_twin_may_be_repeated(tmp_path):
    made = [
        collect_in_processes(
            WalkingStates, tmp_path, range(4), per_class=5, processes=1, log=lambda line: None
        )
        for _ in range(2)
    ]
    assert made[0] == made[1] == read_labels(tmp_path)


def test_what_is_imported_during_a_collection_stays_listed(tmp_path):
    imported = LabelledImage("slot_1/import-000000.png", "slot_1", 2, "bag")

    def import_one(line):
        """Do once what an import does; the first line comes before the first episode."""
        if not known_labels(tmp_path):
            change_labels(tmp_path, lambda known: [*known, imported])

    images = collect_in_processes(
        WalkingStates, tmp_path, range(4), per_class=5, processes=1, log=import_one
    )
    listed = read_labels(tmp_path)
    assert imported in listed and all(image in listed for image in images)


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
