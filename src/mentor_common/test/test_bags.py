"""Bags: what is written is read back, by us and by others, and a broken file as far as it goes."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from mcap_ros2.reader import read_ros2_messages
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as ForeignWriter
from rosbags.typesys import Stores, get_typestore

from mentor_common.bags.definitions import UnknownTypeError, definition_of
from mentor_common.bags.metadata import BagTopic
from mentor_common.bags.qos import qos_from_yaml, qos_to_yaml
from mentor_common.bags.reader import Bag, BagError
from mentor_common.bags.steps import step_of
from mentor_common.bags.writer import BagWriteError, BagWriter, Splitting
from mentor_common.messages import topics
from mentor_msgs.msg import Action, Reward

ACTION = "mentor_msgs/msg/Action"
REWARD = "mentor_msgs/msg/Reward"


def bag_topic(name: str, kind: str) -> BagTopic:
    return BagTopic(name, kind, qos_to_yaml(topics.EXPERIENCE_QOS), definition_of(kind).hash)


@cache  # the padding of a serialized message is not the same each time
def action_bytes(step: int, size: int = 2) -> bytes:
    message = Action(episode=7, step=step, data=[0.5] * size, run_id="a run")
    message.header.frame_id = "evaluation"
    message.header.stamp.sec = 3
    return serialize_message(message)


def write_bag(folder: Path, count: int = 20, **options: object) -> BagWriter:
    writer = BagWriter(folder, **options)  # type: ignore[arg-type]
    writer.add_topic(bag_topic("/cell/action", ACTION))
    writer.add_topic(bag_topic("/cell/reward", REWARD))
    writer.add_record("mentor", {"task": '"cable_routing"'})
    for step in range(count):
        writer.write("/cell/action", action_bytes(step), 1000 + 10 * step, 999 + 10 * step, step)
        reward = Reward(episode=7, step=step + 1, value=step / 3)
        reward.term_names, reward.terms = ["reward"], [1.0]  # a bridge's: it has no states
        writer.write("/cell/reward", serialize_message(reward), 1005 + 10 * step)
    return writer


def test_a_bag_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag").close()
    bag = Bag(tmp_path / "bag")
    messages = list(bag.messages())
    assert bag.counts == {"/cell/action": 20, "/cell/reward": 20}
    assert [m.log_time for m in messages] == [1000 + 5 * i for i in range(40)]
    assert messages[4].data == action_bytes(2)
    assert (messages[4].publish_time, messages[4].sequence) == (1019, 2)
    assert (bag.start, bag.end) == (1000, 1195)
    assert bag.record("mentor", "task") == "cable_routing"
    assert [m.topic for m in bag.messages(["/cell/reward"], 1010, 1030)] == ["/cell/reward"] * 2


def test_episode_and_step_are_read_without_the_type() -> None:
    key = step_of(action_bytes(5), ACTION)
    assert key == (3_000_000_000, "evaluation", 7, 5)
    with pytest.raises(ValueError, match="too few"):
        step_of(action_bytes(5)[:20], ACTION)


def test_foreign_readers_read_our_bags(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", splitting=Splitting(file_bytes=1)).close()
    with AnyReader([tmp_path / "bag"]) as reader:
        found = [
            (connection.topic, reader.deserialize(data, connection.msgtype).step)
            for connection, _, data in reader.messages()
        ]
        qos = reader.connections[0].ext.offered_qos_profiles[0]
    assert len(found) == 40 and found[2] == ("/cell/action", 1)
    assert qos.depth == topics.HISTORY
    assert qos.durability.name == "TRANSIENT_LOCAL"
    file = next((tmp_path / "bag").glob("*.mcap"))
    values = [m.ros_msg.value for m in read_ros2_messages(str(file), topics=["/cell/reward"])]
    assert values == [step / 3 for step in range(20)]


def test_a_bag_that_none_of_our_code_wrote_is_read(tmp_path: Path) -> None:
    store = get_typestore(Stores.ROS2_KILTED)
    text = store.types["std_msgs/msg/String"]
    with ForeignWriter(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/chatter", "std_msgs/msg/String", typestore=store)
        for i in range(3):
            writer.write(connection, i, store.serialize_cdr(text(data=f"{i}"), text.__msgtype__))
    bag = Bag(tmp_path / "bag")
    assert bag.topics["/chatter"].type == "std_msgs/msg/String"
    assert [m.data[8:9] for m in bag.messages()] == [b"0", b"1", b"2"]


def test_a_killed_bag_is_read_up_to_what_was_flushed(tmp_path: Path) -> None:
    writer = write_bag(tmp_path / "bag")
    writer.flush()
    whole = writer.path.stat().st_size
    writer.write("/cell/action", action_bytes(20), 3000)
    writer.flush()
    file = writer.path
    for cut in (file.stat().st_size, whole + 30, whole):
        os.truncate(file, cut)
        bag = Bag(tmp_path / "bag")
        assert not bag.files[0].whole
        assert sum(bag.counts.values()) == (41 if cut > whole + 30 else 40)
        assert bag.record("mentor", "task") == "cable_routing"


def test_a_closed_bag_that_was_damaged_is_refused_where_the_damage_is(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", compression="none").close()
    (file,) = (tmp_path / "bag").glob("*.mcap")
    data = bytearray(file.read_bytes())
    data[data.index(action_bytes(9)) + 40] ^= 1
    file.write_bytes(data)
    bag = Bag(tmp_path / "bag")
    assert bag.counts["/cell/action"] == 20, "the summary is whole"
    with pytest.raises(BagError, match=r"damaged: CRC.*mentor_recorder check .*bag"):
        list(bag.messages())


def test_files_are_split_and_the_oldest_is_let_go(tmp_path: Path) -> None:
    writer = write_bag(
        tmp_path / "bag",
        count=0,
        splitting=Splitting(file_bytes=20_000, bag_bytes=90_000),
        compression="none",
    )
    for step in range(60):
        writer.write("/cell/action", action_bytes(step, 1000), step)
        writer.flush()
    writer.close()
    bag = Bag(tmp_path / "bag")
    assert writer.deleted and len(bag.files) > 1
    steps = [step_of(m.data, ACTION).step for m in bag.messages()]
    assert steps == list(range(steps[0], 60)) and steps[0] > 0
    assert sum(f.path.stat().st_size for f in bag.files) <= 90_000 + 30_000
    with AnyReader([tmp_path / "bag"]) as reader:
        assert reader.message_count == len(steps)


def test_a_disk_that_refuses_is_named_and_what_was_flushed_stays(tmp_path: Path) -> None:
    writer = write_bag(tmp_path / "bag")
    writer.flush()
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, writer._file._stream.fileno())
    os.close(full)
    writer.write("/cell/action", action_bytes(20), 3000)
    with pytest.raises(BagWriteError, match=r"bag_0\.mcap: No space left.*record less"):
        writer.flush()
    assert sum(Bag(tmp_path / "bag").counts.values()) == 40
    with pytest.raises(BagWriteError, match="holds a bag already"):
        BagWriter(tmp_path / "bag")


def test_what_is_no_bag_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BagError, match=r"no \.mcap file"):
        Bag(tmp_path)
    with pytest.raises(BagError, match="there is no bag"):
        Bag(tmp_path / "nowhere")
    with pytest.raises(UnknownTypeError, match=r"share/nothing_msgs/msg/Word\.msg"):
        definition_of("nothing_msgs/msg/Word")


def test_qos_goes_through_a_bag() -> None:
    profile = qos_from_yaml(qos_to_yaml(topics.EXPERIENCE_QOS))
    assert (profile.depth, profile.durability.name) == (256, "TRANSIENT_LOCAL")
    assert qos_from_yaml(qos_to_yaml(topics.IMAGE_QOS)).reliability.name == "BEST_EFFORT"
    assert qos_from_yaml("- {history: 1, depth: 5, reliability: 2, durability: 1}").depth == 256
