"""info, check, repair and cut, on bags with and without faults."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import pytest
from rosbags.highlevel import AnyReader
from small_bags import write_cell_bag

from mentor_common.bags.reader import Bag
from mentor_recorder.__main__ import main
from mentor_recorder.bags.check import check
from mentor_recorder.bags.cut import parse_episodes
from mentor_recorder.bags.summary import episodes_of


def test_info_tells_what_is_in_a_bag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cell_bag(tmp_path / "bag")
    assert main(["info", str(tmp_path / "bag"), "--episodes"]) == 0
    text = capsys.readouterr().out
    assert "/observation       15  mentor_msgs/msg/Observation" in text
    assert "episodes: 3 (0 of them evaluation), 12 steps" in text
    assert "commit: 0123abc" in text
    assert "weights of run toy-0: versions 101 to 103 chose 12 actions, no hash" in text
    assert "1  episode 102  4 steps  training" in text


def test_a_whole_bag_passes_the_check(tmp_path: Path) -> None:
    write_cell_bag(tmp_path / "bag")
    findings = check(Bag(tmp_path / "bag"))
    assert findings.problems == []
    assert findings.steps == 15


def test_gaps_and_doubles_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cell_bag(
        tmp_path / "bag",
        leave_out=[("reward", 102, 2), ("observation", 102, 3), ("action", 103, 0)],
        repeat=[("motion", 101, 1)],
    )
    assert main(["check", str(tmp_path / "bag")]) == 1
    problems = [line for line in capsys.readouterr().out.splitlines() if "problem: " in line]
    assert problems == [
        "problem: episode 101: motion came more than once at step 1",
        "problem: episode 102: no observation at step 3",
        "problem: episode 102: no reward at step 2",
        "problem: episode 103: no action at step 1",
    ]


def test_a_flipped_byte_is_found(tmp_path: Path) -> None:
    writer = write_cell_bag(tmp_path / "bag")
    with writer.path.open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)
        file.seek(5000)
        file.write(bytes([byte[0] ^ 1]))
    problems = check(Bag(tmp_path / "bag")).problems
    assert any("bag_0.mcap is damaged" in problem for problem in problems)


def test_a_definition_that_is_not_ours_is_named(tmp_path: Path) -> None:
    from mentor_common.bags.metadata import BagTopic

    writer = write_cell_bag(tmp_path / "bag", close=False)
    writer.add_topic(
        BagTopic("/other/action", "mentor_msgs/msg/Action", "", "RIHS01_of_another_day", "int8 x")
    )
    writer.close()
    assert any("/other/action: mentor_msgs/msg/Action of the bag is not the one" in problem
               for problem in check(Bag(tmp_path / "bag")).problems)  # fmt: skip


@pytest.mark.parametrize("lost", [1, 300_000])
def test_a_killed_bag_is_repaired(
    tmp_path: Path, lost: int, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = write_cell_bag(tmp_path / "bag", close=False)
    os.truncate(writer.path, writer.path.stat().st_size - lost)
    before = [m.data for m in Bag(tmp_path / "bag").messages()]
    assert any("not closed" in problem for problem in check(Bag(tmp_path / "bag")).problems)
    assert main(["repair", str(tmp_path / "bag")]) == 0
    assert f"bag_0.mcap: {len(before)} messages kept" in capsys.readouterr().out
    bag = Bag(tmp_path / "bag")
    assert [m.data for m in bag.messages()] == before and bag.files[0].whole
    assert bag.record("mentor", "task") == "toy"
    assert not [p for p in check(bag).problems if "closed" in p or "damaged" in p]
    with AnyReader([tmp_path / "bag"]) as reader:
        assert reader.message_count == len(before)
    assert main(["repair", str(tmp_path / "bag")]) == 0, "twice is as once"


def test_episodes_are_cut_out(tmp_path: Path) -> None:
    write_cell_bag(tmp_path / "bag")
    arguments = ["cut", str(tmp_path / "bag"), str(tmp_path / "cut"), "--episodes", "1"]
    assert main(arguments) == 0
    bag = Bag(tmp_path / "cut")
    assert list(episodes_of(bag).steps) == [102]
    assert check(bag).problems == []
    assert bag.record("mentor", "commit") == "0123abc"
    assert main(arguments) == 2, "the folder holds a bag already"


def test_episodes_are_chosen_by_position_or_number() -> None:
    known = [101, 205, 103, 9]
    assert parse_episodes("0-1,-1", known) == [101, 205, 9]
    assert parse_episodes("205,3", known) == [205, 9]
    with pytest.raises(ValueError, match="'7' is no episode"):
        parse_episodes("7", known)


def test_a_step_is_exported_as_a_picture_and_an_episode_as_a_film(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cell_bag(tmp_path / "bag")
    bag = str(tmp_path / "bag")
    assert main(["export", bag, str(tmp_path / "step.png"), "--episode", "1", "--step", "2"]) == 0
    sheet = cv2.imread(str(tmp_path / "step.png"))
    assert sheet.shape == (3 * (3 * 84 + 16) + 20, 3 * 3 * 84, 3)
    assert main(["export", bag, str(tmp_path / "film.mp4"), "--episode", "103"]) == 0
    film = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert main(["export", bag, str(tmp_path / "x.png"), "--episode", "1", "--step", "9"]) == 2
    assert "has no step 9; it has 0 to 4" in capsys.readouterr().err
