"""Labelled images keep what was written, and refuse what is wrong by name."""

from __future__ import annotations

import numpy as np
import pytest

from mentor_reward.dataset.labelled_images import (
    LabelledImage,
    count_states,
    load_examples,
    load_masks,
    open_examples,
    read_labels,
    write_image,
    write_labels,
    write_masks,
)


def test_images_and_labels_come_back_as_they_were_written(tmp_path):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (3, 84, 84), dtype=np.uint8)
    images = [
        LabelledImage("slot_1/a.png", "slot_1", 3, "one", (0.5, -1.0)),
        LabelledImage("slot_1/b.png", "slot_1", None, "two"),
    ]
    for image in images:
        write_image(tmp_path, image, frame)
    write_labels(tmp_path, images)
    assert read_labels(tmp_path) == images
    known = load_examples(tmp_path, images)
    assert (known.frames == frame).all() and known.frames.shape == (1, 3, 84, 84)
    assert known.states.tolist() == [3] and known.groups.tolist() == ["one"]
    assert known.profiles.tolist() == [[0.5, -1.0]]
    assert count_states(images, "slot_1") == {"OUTSIDE": 0, "SIDE": 0, "ABOVE": 0, "INSIDE": 1}


@pytest.mark.parametrize("count", [2, 3])
def test_views_stand_beside_each_other_and_come_back_in_order(tmp_path, count):
    views = np.random.default_rng(0).integers(0, 256, (3 * count, 84, 84), dtype=np.uint8)
    images = [LabelledImage(f"slot_2/{name}.png", "slot_2", 6, "one") for name in "ab"]
    write_image(tmp_path, images[0], views)
    assert (load_examples(tmp_path, images[:1]).frames[0] == views).all()
    write_image(tmp_path, images[1], views[:3])
    both = load_examples(tmp_path, images).frames
    assert both.shape == (2, 3, 84, 84), "where one lacks the other views, none is taken"
    assert (both == views[:3]).all()


def test_pictures_that_stay_in_their_files_are_chosen_and_read_as_an_array_would_be(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (5, 9, 84, 84), dtype=np.uint8)
    images = [LabelledImage(f"slot_2/{n}.png", "slot_2", n, str(n)) for n in range(5)]
    for image, frame in zip(images, frames, strict=True):
        write_image(tmp_path, image, frame)
    opened, loaded = open_examples(tmp_path, images), load_examples(tmp_path, images)
    assert opened.frames.shape == loaded.frames.shape and len(opened.frames) == 5
    assert (np.asarray(opened.frames) == frames).all()
    assert (np.asarray(opened.frames[1:3]) == frames[1:3]).all()
    odd = opened.subset(opened.states % 2 == 1)
    assert (np.asarray(odd.frames) == frames[[1, 3]]).all() and odd.groups.tolist() == ["1", "3"]
    assert (np.asarray(open_examples(tmp_path, []).frames)).shape == (0, 3, 84, 84)
    write_image(tmp_path, images[2], frames[2, :3])
    fewer = np.asarray(open_examples(tmp_path, images).frames)
    assert (fewer == frames[:, :3]).all(), "where one lacks the other views, none is taken"


def test_masks_come_back_view_by_view_with_their_frames(tmp_path):
    rng = np.random.default_rng(0)
    views = rng.integers(0, 256, (9, 84, 84), dtype=np.uint8)
    coverage = rng.integers(0, 256, (3, 2, 84, 84), dtype=np.uint8)
    images = [LabelledImage(f"slot_1/{name}.png", "slot_1", 3, "one") for name in "ab"]
    for image in images:
        write_image(tmp_path, image, views)
    with pytest.raises(FileNotFoundError, match="has no masks"):
        load_masks(tmp_path, images)
    write_masks(tmp_path, images[1], coverage)
    masks = load_masks(tmp_path, images)
    assert np.array_equal(masks.frames, views.reshape(3, 3, 84, 84))
    assert np.array_equal(masks.coverage, coverage)
    assert masks.views.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.png,slot_3,0,x", "line 2: .*camera 'slot_3' is no slot camera"),
        ("a.png,slot_1,4,x", "line 2: state '4' is no class of slot_1; known: 0 .outside., 1"),
        ("a.png,slot_1,inside,x", "line 2: state 'inside' is no class of slot_1; .*3 .inside."),
        ("../a.png,slot_1,0,x", "line 2: file '../a.png' is not a path within the folder"),
        ("b/../../a.png,slot_1,0,x", "line 2: file .* is not a path within the folder"),
        ("/etc/a.png,slot_1,0,x", "line 2: file .* is not a path within the folder"),
        ("a.png", "line 2: it has not 5 values"),
        ("a.png,slot_1,0,x,,,", "line 2: it has not 5 values"),
        (",slot_1,0,x", "line 2: file '' is not a path within the folder"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number_and_value(tmp_path, line, said):
    (tmp_path / "labels.csv").write_text(f"file,camera,state,group,profile\n{line},\n")
    with pytest.raises(ValueError, match=said):
        read_labels(tmp_path)


def test_a_profile_that_is_not_finite_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_text(
        "file,camera,state,group,profile\na.png,slot_1,0,x,1 nan\n"
    )
    with pytest.raises(ValueError, match="line 2: profile '1 nan' is not finite"):
        read_labels(tmp_path)


def test_a_folder_without_labels_says_how_to_make_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m mentor_reward collect"):
        read_labels(tmp_path)
