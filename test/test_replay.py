"""A bag of the cable cell, replayed through today's nodes: identical, or the first difference."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from short_episodes import short_episodes

from mentor_common.bags.definitions import message_class
from mentor_common.bags.reader import Bag, BagMessage
from mentor_common.bags.steps import step_of
from mentor_common.bags.writer import BagWriter
from mentor_common.tasks.task import TASK_PATH
from mentor_policy.__main__ import main as policy
from mentor_policy.replay import ReplayRing
from mentor_policy.training.checkpoint import read_checkpoint, save_checkpoint
from mentor_policy.training.checkpoint_folders import folders
from mentor_policy.training.top_performer_files import TopPerformerFiles
from mentor_recorder.bags.parameters import write_parameters

STEPS = 24
LEARNS = (
    "train.eval_episodes=1 train.video=false train.seed_frames=12 "
    "train.updates_per_step=0 train.update_every=12 "
    "train.batch_size=8 train.checkpoint_every_frames=6 train.keep_checkpoints=9 "
    "agent.hidden_dim=64 agent.feature_dim=16 agent.experts=4 agent.top_k=2 agent.expert_dim=32"
)
"""Two updates, and a checkpoint behind each: so the weights of every action can be had."""
IMAGE = "/camera/slot_1/color/image_raw"


def launch(folder: Path, file: str, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup", file, *arguments]
    log = folder / "launch.log"
    with log.open("w+") as output:
        try:
            done = subprocess.run(
                command, cwd=folder, stdout=output, stderr=output, timeout=280, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.fail(f"{file} does not end:\n{log.read_text()}")
    return done.returncode, log.read_text()


@pytest.fixture(scope="module", autouse=True)
def an_evaluation_is_no_longer_than_the_training(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("short")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TASK_PATH, short_episodes(folder, "cable_routing", STEPS)[TASK_PATH])
        yield


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    folder = tmp_path_factory.mktemp("cell")
    status, output = launch(
        folder, "cable_routing.launch.py", "agent:=mentor", f"max_steps:={STEPS}", "record:=full",
        "run_dir:=run", "synchronous:=true", f"overrides:={LEARNS}",
    )  # fmt: skip
    assert status == 0, output
    (path,) = (folder / "run" / "bags").iterdir()
    return Bag(path)


def replayed(bag_folder: Path, folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    report = folder / "report.json"
    status, output = launch(
        folder, "replay.launch.py", f"bag:={bag_folder}", "diff:=true", f"report:={report}",
        *arguments,
    )  # fmt: skip
    assert report.exists(), output
    return status, json.loads(report.read_text()), output


def altered(
    bag: Bag,
    folder: Path,
    alter: Callable[[BagMessage, Any], None] = lambda message, decoded: None,
    without: str = "no topic",
) -> None:
    """Write the bag anew, each message after ``alter``, and no topics that hold ``without``."""
    writer = BagWriter(folder)
    kept = [name for name in bag.topics if without not in name]
    for name in kept:
        writer.add_topic(bag.topics[name])
    for name, values in bag.records.items():
        writer.add_record(name, values)
    for message in bag.messages(kept):
        decoded = deserialize_message(message.data, message_class(message.type))
        alter(message, decoded)
        writer.write(
            message.topic, serialize_message(decoded), message.log_time, message.publish_time
        )
    writer.close()
    parameters = bag.record("mentor", "parameters")
    # As if another version had recorded the bag.
    parameters["/stacker"]["gone"] = "by now"
    parameters["/stacker"]["cell"] = parameters["/stacker"].pop("cell_file")
    write_parameters(folder, parameters)


def versions(bag: Bag) -> list[tuple[int, list[int]]]:
    """Return the version of the weights that chose each action, and its episode and step."""
    actions = [
        deserialize_message(m.data, message_class(m.type)) for m in bag.messages(["/action"])
    ]
    return [(a.weights_version, [a.episode, a.step]) for a in actions]


def with_one_weight_changed(run: Path, folder: Path, updates: int) -> None:
    """Write a run's folder anew, with one weight changed in the checkpoint of so many updates."""
    folder.mkdir()
    shutil.copy(run / "config.json", folder)
    for path in folders(run / "checkpoints"):
        found = read_checkpoint(path)
        if found.progress["updates"] == 0:
            continue
        agent = found.agent("cpu")
        if found.progress["updates"] == updates:
            tensors, values = agent.state()
            tensors["actor/last.bias"][0] += 0.01
            agent.load_state(tensors, values)
        save_checkpoint(
            folder / "checkpoints", agent, found.config, found.environment, found.shape,
            found.progress, top_files=TopPerformerFiles(), keep=9,
        )  # fmt: skip


def test_the_same_nodes_make_the_same_of_it_to_the_bit(bag: Bag, tmp_path: Path) -> None:
    status, report, output = replayed(bag.path, tmp_path)
    assert status == 0, output
    parts = report["parts"]
    steps = sum(bag.counts[name] for name in bag.counts if name == "/reward")
    assert parts["observation"]["identical"] >= steps - 1 >= STEPS
    assert parts["reward"]["identical"] == steps
    assert parts["action"]["identical"] == steps, output
    assert {version for version, _ in versions(bag)} == {0, 1, 2}
    assert any("workspace window (arm)" in line for line in report["summary"])
    assert "the replay is what was recorded, to the bit" in output


@pytest.mark.soak
@pytest.mark.real_time
@pytest.mark.timeout(900)
def test_so_they_do_of_the_bag_of_a_rehearsed_cell(tmp_path: Path) -> None:
    status, output = launch(
        tmp_path, "cable_routing.launch.py", "robot:=fci", "rehearsal:=true", "agent:=mentor",
        f"max_steps:={STEPS}", "record:=full", "run_dir:=run",
        f"overrides:={LEARNS} train.learn=false",
    )  # fmt: skip
    assert status == 0, output
    (path,) = (tmp_path / "run" / "bags").iterdir()
    status, report, output = replayed(path, tmp_path)
    assert status == 0, output
    for part in ("observation", "reward", "action"):
        assert report["parts"][part]["identical"] >= STEPS - 1, output


def test_without_images_the_rest_is_compared_as_fast_as_the_nodes_are(
    bag: Bag, tmp_path: Path
) -> None:
    """Without images nothing slows the replay: an action comes right behind its step's reward."""
    altered(bag, tmp_path / "experience", without="/camera/")
    status, report, output = replayed(tmp_path / "experience", tmp_path)
    assert status == 0, output
    parts = report["parts"]
    steps = bag.counts["/reward"]
    assert parts["reward"]["identical"] == parts["action"]["identical"] == steps, output
    assert parts["observation"]["compared"] == 0


def test_a_ring_made_from_the_bag_is_the_ring_that_the_run_wrote(bag: Bag, tmp_path: Path) -> None:
    written = ReplayRing(bag.path.parents[1] / "replay", writable=False)
    header = written.header
    sizes = ["--capacity", str(header.capacity), "--spare", str(header.spare)]
    assert policy(["ring-from-bag", str(bag.path), str(tmp_path / "ring"), *sizes]) == 0
    made = ReplayRing(tmp_path / "ring", writable=False)
    assert made.header == header
    assert made.count == written.count == STEPS + 1
    assert made.records[: made.count].tobytes() == written.records[: made.count].tobytes()
    for number in range(made.count):
        assert np.array_equal(made.observation(number), written.observation(number))


def test_the_run_shows_its_bag_and_the_logs_of_its_nodes(
    bag: Bag, capsys: pytest.CaptureFixture[str]
) -> None:
    assert policy(["info", str(bag.path.parents[1])]) == 0
    text = capsys.readouterr().out
    assert f"bag          {bag.path} (" in text
    for node in ("policy", "recorder"):
        assert re.search(rf"log .*/logs/\S+\.log \({node}\)", text), text


def test_what_was_altered_is_named(bag: Bag, tmp_path: Path) -> None:
    """An image, a stamp, a reward, a window offset and a weight are not what they were."""
    rewards = list(bag.messages(["/reward"]))
    episode, judged = step_of(rewards[11].data, rewards[11].type)[2:]
    images = [
        deserialize_message(m.data, message_class(m.type)).header.stamp
        for m in bag.messages([IMAGE])
    ]
    swapped, moved = images[12], images[30]

    def alter(message: BagMessage, decoded: Any) -> None:
        if message.topic == IMAGE and decoded.header.stamp == swapped:
            decoded.data[:] = decoded.data[::-1]
        elif message.topic == IMAGE and decoded.header.stamp == moved:
            decoded.header.stamp.nanosec += 1_000_000
        elif message.topic == "/reward" and (decoded.episode, decoded.step) == (episode, judged):
            decoded.terms[0] += 1.0
        elif message.topic == "/episode_start" and decoded.episode == episode:
            decoded.window_offset[0] += 0.01

    altered(bag, tmp_path / "altered", alter)
    with_one_weight_changed(bag.path.parents[1], tmp_path / "run", 1)
    run = f"run_dir:={tmp_path / 'run'}"
    status, report, output = replayed(tmp_path / "altered", tmp_path, run)
    assert status == 1, output
    assert "parameter 'gone' (value 'by now') is left out" in output
    assert "parameter 'cell'" not in output, "it is the cell_file of today"
    chosen = [key for version, key in versions(bag) if version == 1]
    different = report["parts"]["action"]["different"]  # a saturated action does not show it
    assert different and all(key in chosen for key in different), output
    assert f"made from: weights of 1 updates ({len(different)})" in output
    seen = report["parts"]["observation"]
    # A frame may be the end of one motion and the start of the next.
    assert 2 <= len(seen["different"]) <= 4 and not seen["missing"], output
    assert f"image of {swapped.sec}.{swapped.nanosec:09d} s" in "\n".join(report["summary"])
    assert "camera slot_1" in seen["first"][0]
    assert "stamps of camera slot_1" in "\n".join(report["summary"])
    assert report["parts"]["reward"]["different"] == [[episode, judged]]
    assert any(
        f"episode {episode}: window_offset: recorded [" in line for line in report["summary"]
    ), output
    assert "term slot_1: recorded" in report["parts"]["reward"]["first"][0]
