"""Labelled images keep what was written, and refuse what is wrong by name."""

from __future__ import annotations

import numpy as np
import pytest

from mentor_reward.labelled_images import (
    LabelledImage,
    count_states,
    load_examples,
    read_labels,
    write_image,
    write_labels,
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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.png,slot_3,0,x", "line 2: .*camera 'slot_3' watches no slot"),
        ("a.png,slot_1,4,x", "line 2: 4 is not a valid Slot1"),
        ("a.png,slot_1,inside,x", "line 2: invalid literal"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number_and_value(tmp_path, line, said):
    (tmp_path / "labels.csv").write_text(f"file,camera,state,group,profile\n{line},\n")
    with pytest.raises(ValueError, match=said):
        read_labels(tmp_path)


def test_a_folder_without_labels_says_how_to_make_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m mentor_reward collect"):
        read_labels(tmp_path)
