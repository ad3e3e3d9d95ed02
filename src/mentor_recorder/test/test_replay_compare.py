"""A comparison is to the bit, names what differs, and sums it up."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from small_bags import episode_messages, write_cell_bag

from mentor_common.bags.reader import Bag
from mentor_common.messages import topics
from mentor_msgs.msg import Action
from mentor_recorder.recording.origin import code_hashes, origin, sha256
from mentor_recorder.replay.compare import (
    Difference,
    compare_means,
    compare_observations,
    compare_rewards,
)
from mentor_recorder.replay.expected import Expected
from mentor_recorder.replay.origin_changes import origin_changes
from mentor_recorder.replay.readiness import Readiness
from mentor_recorder.replay.report import DIFFERENT, report
from mentor_recorder.replay.tally import Tally


def first_of(topic: topics.Topic) -> Any:
    message = next(m for t, m, step in episode_messages(7, 2) if t is topic and step)
    if topic is topics.OBSERVATION:
        message.stamps = [copy.copy(message.header.stamp) for _ in range(9)]
    return message


def test_equal_messages_do_not_differ() -> None:
    for topic, compare in (
        (topics.OBSERVATION, compare_observations),
        (topics.REWARD, compare_rewards),
    ):
        message = first_of(topic)
        assert compare(message, copy.deepcopy(message)) == []


def test_a_pixel_is_named_by_camera_and_moment() -> None:
    old = first_of(topics.OBSERVATION)
    new = copy.deepcopy(old)
    new.data[(3 * 3 + 3 + 1) * 84 * 84 + 5] ^= 64  # second camera, second frame, plane G
    (difference,) = compare_observations(old, new)
    assert difference.field.startswith("camera slot_1, midpoint: 1 of 7056 pixels")
    assert difference.size == 64.0
    assert difference.source.startswith("camera slot_1 (image of")


def test_a_stamp_is_named_to_the_nanosecond() -> None:
    old = first_of(topics.OBSERVATION)
    new = copy.deepcopy(old)
    new.stamps[8].nanosec += 1
    (difference,) = compare_observations(old, new)
    assert difference.field == "camera slot_2, end: stamp of the image"
    assert difference.replayed == "700.500000001 s"


def test_rewards_differ_by_their_last_bit() -> None:
    old = first_of(topics.REWARD)
    new = copy.deepcopy(old)
    new.terms[1] = math.nextafter(new.terms[1], 1.0)
    new.valid = False
    new.states[1] = float(np.nextafter(np.float32(new.states[1]), np.float32(1.0)))
    named = [d.field for d in compare_rewards(old, new)]
    assert named == ["term slot_2", "state slot_1_probability", "valid"]
    new = copy.deepcopy(old)
    old.value = new.value = math.nan
    assert compare_rewards(old, new) == []


def test_the_first_differing_number_of_a_mean_is_named() -> None:
    old, new = Action(mean=[0.25, -0.5]), Action(mean=[0.25, -0.25])
    (difference,) = compare_means(old, new)
    assert str(difference) == "mean[1]: recorded -0.5, replayed -0.25"
    assert compare_means(old, Action(mean=[0.25])) != []


def test_the_summary_tells_which_node_since_when_how_often_and_how_large() -> None:
    tally = Tally("rewards", "reward node")
    expected = Expected(tally, compare_rewards)
    rewards = [m for t, m, _ in episode_messages(7, 4) if t is topics.REWARD]
    for reward in rewards:
        replayed = copy.deepcopy(reward)
        if reward.step >= 3:
            replayed.value += 2.0
        expected.come((7, reward.step), replayed)  # either may be the first
        expected.record((7, reward.step), reward)
    expected.record((7, 9), rewards[0])
    expected.record((7, 8), rewards[0])
    assert not expected.wait(0.01)
    assert tally.missing == [(7, 9), (7, 8)]
    expected.come((7, 8), rewards[0])  # late, but not missing
    expected.come((8, 1), rewards[0])
    expected.end()
    text = "\n".join(tally.lines({7: 0}))
    assert "rewards (reward node): 5 compared, 3 identical, 2 DIFFERENT" in text
    assert "first at episode 7 (position 0) step 3:" in text
    assert "how often: 40 % of the steps" in text and "largest: 2 at" in text
    assert "nothing came of 1 steps, the first episode 7 (position 0) step 9" in text
    assert "1 came that were not recorded" in text
    assert tally.bad


def test_what_cannot_be_compared_is_counted_by_its_reason() -> None:
    tally = Tally("mean actions", "policy")
    expected = Expected(tally, compare_means, lambda message: message.run_id or None)
    expected.record((1, 0), Action(mean=[0.5]))
    expected.come((1, 0), Action(run_id="weights of 7 updates are in no checkpoint"))
    assert expected.wait(0.01) and not tally.bad
    assert tally.lines({})[1] == "  not compared: 1 (weights of 7 updates are in no checkpoint)"


@pytest.mark.parametrize("gone", [True, False])
def test_a_changed_file_behind_a_bag_is_named(gone: bool, tmp_path: Any) -> None:
    weights = tmp_path / "slot_1.safetensors"
    weights.write_bytes(b"weights")
    values = {**origin(), "inputs": json.dumps({str(weights): sha256(weights)})}
    writer = write_cell_bag(tmp_path / "bag", close=False)
    writer.add_record("mentor", values)
    writer.close()
    assert origin_changes(Bag(tmp_path / "bag")) == ([], False, [])
    if gone:
        weights.unlink()
    else:
        weights.write_bytes(b"Weights")
    lines, data, _ = origin_changes(Bag(tmp_path / "bag"))
    assert data and str(weights) in lines[0]


def test_the_changed_files_of_the_node_that_differs_are_named(tmp_path: Any) -> None:
    code, stacker = code_hashes(), "mentor_camera/stacking/stacker.py"
    writer = write_cell_bag(tmp_path / "bag", close=False)
    writer.add_record("mentor", {"code": json.dumps({**code, stacker: "another commit's"})})
    writer.close()
    tallies = {"observation": Tally("observations", "stacker"), "reward": Tally("rewards", "r")}
    for tally in tallies.values():
        tally.add(101, 2, [Difference("data", "1", "2")])
    made = report(Bag(tmp_path / "bag"), tallies, {101: 0})
    assert f"  changed since in mentor_camera: {stacker}" in made.lines
    assert any(line.startswith("  no file of mentor_reward or") for line in made.lines)
    assert made.status == DIFFERENT


def report_of(node: str, waiting: str, state: str = "active") -> DiagnosticArray:
    values = [KeyValue(key="state", value=state), KeyValue(key="waiting for", value=waiting)]
    return DiagnosticArray(status=[DiagnosticStatus(hardware_id=node, values=values)])


def test_a_replay_waits_for_nodes_that_have_not_found_its_images_yet() -> None:
    image, readiness = "/replay/camera/side/color/image_raw", Readiness()
    stacker = "/replay/stacker"
    assert readiness.missing([stacker], [image]) == [f"{stacker} has not reported yet"]
    readiness.add(report_of(stacker, "", "inactive"))
    assert readiness.missing([stacker], [image]) == [f"{stacker} is not active: inactive"]
    readiness.add(report_of(stacker, f"waits for 1 s: nobody publishes {image} (usually a camera)"))
    readiness.add(report_of("/other/stacker", "nobody"))
    (text,) = readiness.missing([stacker], [image])
    assert text == f"{stacker} has not found who publishes {image}"
    readiness.add(report_of(stacker, f"waits for 9 s: nobody publishes {image}/compressed"))
    assert readiness.missing([stacker], [image]) == []
