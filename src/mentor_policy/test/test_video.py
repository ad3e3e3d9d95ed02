"""Videos of evaluations."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np

from mentor_common.messages.frames import FrameLayout
from mentor_policy.training.video import VideoWriter

LAYOUT = FrameLayout(cameras=("camera",), frames=1, height=84, width=84, stacked=False)


def write(path: Path) -> None:
    with VideoWriter(path, LAYOUT, 10) as video:
        video.add(np.zeros((3, 84, 84), np.uint8))


def test_two_evaluations_may_write_the_video_of_one_checkpoint_at_once(tmp_path: Path) -> None:
    path = tmp_path / "videos" / "evaluation.mp4"
    other = multiprocessing.get_context("spawn").Process(target=write, args=(path,))
    with VideoWriter(path, LAYOUT, 10) as video:
        video.add(np.zeros((3, 84, 84), np.uint8))
        other.start()
        other.join(60.0)
        assert other.exitcode == 0
    assert [file.name for file in path.parent.iterdir()] == ["evaluation.mp4"]
    assert path.stat().st_size > 0
