"""The split by groups, balanced classes, augmentation, calibration and confusion matrices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mentor_reward.classifier.augmentation import augment, shift
from mentor_reward.classifier.calibration import calibration_offsets
from mentor_reward.classifier.confusion import confusion_matrix, confusion_table, recall_per_class
from mentor_reward.classifier.sampling import balanced_draw, log_frequency, split_groups


def test_a_group_is_never_divided_and_keeps_its_side_when_others_are_added():
    groups = np.array([f"seed-{i // 5}" for i in range(500)])
    held = split_groups(groups, 0.15, seed=0)
    assert all(len(set(held[groups == g].tolist())) == 1 for g in set(groups))
    assert 0.05 < held.mean() < 0.3
    more = split_groups(np.concatenate([groups, ["seed-new"] * 5]), 0.15, seed=0)
    assert (more[:500] == held).all()


def test_of_a_few_groups_one_is_held_back():
    for seed in range(20):
        held = split_groups(np.array(["a", "b", "c"]), 0.01, seed)
        assert held.sum() == 1


def test_every_class_is_drawn_equally_often_however_rare_it_is():
    states = np.array([0] * 90 + [1] * 9 + [2])
    drawn = states[balanced_draw(states, np.random.default_rng(0))]
    assert np.bincount(drawn).tolist() == [33, 33, 33]


def test_a_class_twice_as_frequent_weighs_twice_as_much():
    heavier = log_frequency(np.array([0] * 20 + [1] * 10 + [2] * 10), 3).exp()
    assert heavier[0] / heavier[1] == pytest.approx(2.0)
    assert torch.equal(log_frequency(np.array([0, 1, 2]), 3), torch.zeros(3))


def test_offsets_raise_the_lowest_recall_and_leave_none_far_behind():
    rng = np.random.default_rng(0)
    states = np.repeat([0, 1, 2], [4000, 3000, 300])
    # A place on a line with borders at 0 and 1; the seldom class begins beyond the second one.
    place = np.select([states == 0, states == 1], [-1.0, 0.5], 1.2) + rng.normal(
        0, 0.25, len(states)
    )
    logits = np.stack([0 * place, 8 * place, 16 * place - 12], 1)

    def recalls(offsets):
        seen = (logits + offsets).argmax(1)
        return np.array([(seen[states == k] == k).mean() for k in range(3)])

    offsets = calibration_offsets(logits, states)
    before, after = recalls(np.zeros(3)), recalls(offsets)
    assert after.min() > before.min() + 0.02 and abs(offsets.mean()) < 1e-9
    assert after[1] - after[2] < 0.01, "the two that touch come out alike"
    kept = states != 2
    assert np.isfinite(calibration_offsets(logits[kept], states[kept])).all(), (
        "a class without images"
    )


def test_augmentation_changes_light_and_colour_but_no_shape():
    images = torch.randint(0, 256, (4, 3, 84, 84), dtype=torch.uint8)
    changed = augment(images, torch.Generator().manual_seed(0))
    again = augment(images, torch.Generator().manual_seed(0))
    assert changed.shape == images.shape and changed.dtype == torch.float32
    assert float(changed.min()) >= 0.0 and float(changed.max()) <= 255.0
    assert torch.equal(changed, again) and not torch.equal(changed, images.float())


def test_a_shift_moves_whole_frames_by_up_to_so_many_pixels_and_repeats_their_borders():
    frames = torch.arange(20, dtype=torch.uint8).reshape(1, 1, 4, 5).repeat(200, 3, 1, 1)
    moved = shift(frames, 2, torch.Generator().manual_seed(0))
    assert moved.shape == frames.shape and moved.dtype == torch.uint8
    assert torch.equal(moved[:, 0], moved[:, 1])  # all planes of a frame alike
    rows, columns = moved[:, 0].long() // 5, moved[:, 0].long() % 5
    down, right = rows[:, 0, 0], columns[:, 0, 0]
    assert set(down.tolist()) == {0, 1, 2} == set(right.tolist())
    last = rows[:, -1, -1] - 3, columns[:, -1, -1] - 4
    assert set(last[0].tolist()) == {-2, -1, 0} == set(last[1].tolist())
    assert (rows.diff(dim=1) >= 0).all() and (columns.diff(dim=2) <= 1).all()


def test_the_confusion_matrix_has_true_states_as_rows():
    matrix = confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    recalls = recall_per_class(matrix)
    assert recalls[:2].tolist() == [0.5, 1.0] and np.isnan(recalls[2])
    assert "| b | 0 | 1 | 0 | 1 | 100.00 % |" in confusion_table(matrix, ["a", "b", "c"])
