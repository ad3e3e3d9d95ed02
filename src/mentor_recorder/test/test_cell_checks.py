"""What a bag says of its cell is computed again: draws, clipping, and rewards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from small_bags import bag_topic

from mentor_common.bags.reader import Bag
from mentor_common.bags.writer import BagWriter
from mentor_common.messages import topics
from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.task import TaskError, find_task, parse_task
from mentor_msgs.msg import Action, EpisodeStart, GroundTruth, Motion, Reward
from mentor_recorder.__main__ import main
from mentor_recorder.bags.cell_checks import CellFindings, check_cell, recorded_task

STEPS = 12


def checked(folder: Path, alter: Callable[[Any], None] = lambda message: None) -> CellFindings:
    """Check a bag of two episodes of the cable cell, each message after ``alter``."""
    task = find_task("cable_routing")
    draws, random = EpisodeDraws(task), np.random.default_rng(0)
    writer = BagWriter(folder)
    parts = {
        EpisodeStart: topics.EPISODE_START, Action: topics.ACTION, Motion: topics.MOTION,
        Reward: topics.REWARD, GroundTruth: topics.GROUND_TRUTH,
    }  # fmt: skip
    for topic in parts.values():
        writer.add_topic(bag_topic(topic))
    writer.add_record("mentor", {"task": '"cable_routing"'})
    now = 0

    def write(message: Any) -> None:
        nonlocal now
        now += 1
        alter(message)
        writer.write(f"/{parts[type(message)].name}", serialize_message(message), now)

    for episode, seed in ((11, 4), (12, None)):  # nobody asks for the seed of the second one
        draw = draws.draw(seed)
        offset = np.array(draw.window_offset, np.float64)
        start = EpisodeStart(episode=episode, seeded=seed is not None, seed=draw.drawn_from)
        start.start, start.window_offset = draw.start.tolist(), draw.window_offset.tolist()
        write(start)
        target, _ = task.workspace.clip(np.array(draw.start, np.float64), offset)
        for step in range(STEPS):
            action = random.uniform(-0.3, 1.0, 2).astype(np.float32)  # against an edge at last
            write(Action(episode=episode, step=step, data=action.tolist()))
            target, clipped = task.workspace.next_target(target, action, task.deltas, offset)
            write(Motion(episode=episode, step=step + 1, clipped=clipped))
            write(GroundTruth(episode=episode, step=step + 1, success=step > 8))
            write(Reward(episode=episode, step=step + 1, success=step > 8, valid=True))
    writer.close()
    return check_cell(Bag(folder))


def test_what_fits_together_passes(tmp_path: Path) -> None:
    findings = checked(tmp_path / "bag")
    assert (findings.draws, findings.window, findings.contradicted) == ([], [], {})
    assert (findings.starts, findings.motions, findings.rewards) == (2, 2 * STEPS, 2 * STEPS)
    assert all("all as recorded" in line for line in findings.lines())


def test_a_task_of_another_version_is_named(tmp_path: Path) -> None:
    checked(tmp_path / "bag")
    bag = Bag(tmp_path / "bag")
    bag.records["mentor"] = {
        "task": '"cable_routing"', "commit": '"abc"',
        "files": json.dumps({"/share/tasks/cable_routing.yaml": "name: cable_routing\nolder: 1"}),
    }  # fmt: skip
    (line,) = check_cell(bag).lines()
    assert "workspace window and rewards are not checked: task file" in line
    assert "commit abc recorded the bag" in line and recorded_task(bag) is None


def test_a_task_that_names_a_key_as_an_earlier_version_did_is_read(tmp_path: Path) -> None:
    checked(tmp_path / "bag")
    bag, task = Bag(tmp_path / "bag"), find_task("cable_routing")
    older = Path(task.file).read_text().replace("frame_tolerance", "max_age")
    with pytest.raises(TaskError, match=r"frame_tolerance' is missing \(its former name is 'max_"):
        parse_task(older)
    bag.records["mentor"] = {
        "task": '"cable_routing"', "files": json.dumps({"/share/tasks/cable_routing.yaml": older}),
    }  # fmt: skip
    findings = check_cell(bag)
    assert (findings.starts, findings.rewards, findings.unchecked) == (2, 2 * STEPS, "")
    read = recorded_task(bag)
    assert read is not None and read.cameras == task.cameras


def test_an_altered_window_is_named(tmp_path: Path) -> None:
    def alter(message: Any) -> None:
        if isinstance(message, EpisodeStart) and message.episode == 12:
            message.window_offset = [0.5, 0.5]

    findings = checked(tmp_path / "bag", alter)
    assert len(findings.draws) == 1 and "episode 12: window_offset: recorded" in findings.draws[0]
    assert len(findings.window) == 1 and "episode 12 step" in findings.window[0]
    assert "window_offset [0.5, 0.5]" in findings.window[0]


def test_a_reward_that_contradicts_the_ground_truth_is_named(tmp_path: Path) -> None:
    def alter(message: Any) -> None:
        if isinstance(message, Reward) and (message.episode, message.step) == (11, 4):
            message.success = True

    findings = checked(tmp_path / "bag", alter)
    assert list(findings.contradicted) == [(11, 4)]
    assert findings.contradicted[11, 4] == "success True, by the ground truth False"


def test_a_run_of_steps_that_contradict_alike_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def alter(message: Any) -> None:
        if isinstance(message, Reward) and message.episode == 11 and message.step in (2, 4, 5, 6):
            message.success = True

    checked(tmp_path / "bag", alter)
    main(["check", str(tmp_path / "bag")])
    output = capsys.readouterr().out
    assert "most of them in a row: episode 0 steps 4 to 6; begin there" in output
    lines = [line for line in output.splitlines() if "reward of" in line]
    text = "success True, by the ground truth False"
    assert lines == [
        f"reward of episode 0 (11) step 2: {text}", f"reward of episode 0 (11) steps 4 to 6: {text}"
    ]  # fmt: skip


def test_a_classifier_that_errs_is_named_by_its_term(tmp_path: Path) -> None:
    """The reward's terms are computed again from the ground truth, by the task's own reward."""

    def alter(message: Any) -> None:
        if isinstance(message, GroundTruth):
            message.names, message.values = ["slot_1", "slot_2"], [1.0, 0.0]  # beside, outside
            message.success = False
        elif isinstance(message, Reward):
            errs = (message.episode, message.step) == (12, 7)
            message.term_names = ["slot_1", "slot_2", "bonus"]
            message.terms = [5.0, -3.0, 3.0] if errs else [-1.1, 0.0, 0.0]  # a sensor's error
            message.success = False

    findings = checked(tmp_path / "bag", alter)
    assert list(findings.contradicted) == [(12, 7)]
    assert "slot_1 5, by the ground truth -1" in findings.contradicted[12, 7]


def test_a_start_of_an_older_bag_that_names_no_seed_is_counted_as_not_compared(
    tmp_path: Path,
) -> None:
    def alter(message: Any) -> None:
        if isinstance(message, EpisodeStart) and message.episode == 12:
            message.seed = 0

    findings = checked(tmp_path / "bag", alter)
    assert (findings.starts, findings.seedless, findings.draws) == (1, 1, [])
    assert any("not compared: 1 episode starts" in line for line in findings.lines())
