"""Prepare a bag with a fault for docs/debugging.md: a classifier that errs under one light.

From a step of one episode on, everything that the cameras saw is lit otherwise: the images, and
what the stacker and the reward node make of them. The arm moves as it did. So the bag is what the
cell would have recorded under that light, and `diff:=true` finds it identical.

    make launch ARGS="agent:=random max_steps:=120 record:=full run_dir:=runs/practice"
    python bench/cells/faulty_light.py runs/practice/bags/* runs/practice/faulty \\
        [--episode POSITION] [--step N] [--gains R G B]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message

from mentor_common.bags.definitions import message_class
from mentor_common.bags.reader import Bag, BagMessage
from mentor_common.bags.writer import BagWriter
from mentor_common.messages.experience import reward_message, time_to_nanoseconds
from mentor_common.messages.images import image_to_array, resize
from mentor_common.tasks.reward_model import EpisodeInfo, RewardModel, StepInputs, make_reward
from mentor_recorder.bags.cell_checks import check_cell, recorded_task
from mentor_recorder.bags.parameters import write_parameters
from mentor_recorder.bags.summary import episodes_of

IMAGE, MOTION = "sensor_msgs/msg/Image", "mentor_msgs/msg/Motion"
OBSERVATION, REWARD = "mentor_msgs/msg/Observation", "mentor_msgs/msg/Reward"


@dataclass
class Light:
    """The light, and when it is on.

    Args:
        gains: factors on red, green and blue.
        episode: number of the episode.
        begin: nanoseconds of ROS time.
        end: nanoseconds of ROS time.
    """

    gains: tuple[float, float, float]
    episode: int
    begin: int
    end: int

    def on(self, stamp: Any) -> bool:
        """Return whether it is on at the stamp of an image."""
        return self.begin <= time_to_nanoseconds(stamp) <= self.end

    def lit(self, pixels: np.ndarray) -> np.ndarray:
        """Return an image, ``(H, W, 3) uint8``, as it looks under the light."""
        return np.clip(np.rint(pixels * np.array(self.gains)), 0, 255).astype(np.uint8)


class Relit:
    """Makes of each message what the cell would have published under the light.

    Args:
        light: that is on.
        model: computes the rewards.
    """

    def __init__(self, light: Light, model: RewardModel) -> None:
        self._light, self._model = light, model
        self._frames: dict[tuple[str, int], np.ndarray] = {}
        """What the stacker makes of each image, by camera and stamp."""
        self._newest: dict[int, dict[str, np.ndarray]] = {}
        """The newest frame of each camera, by step."""

    def message(self, topic: str, message: Any) -> Any:
        """Return a message of a camera, the stacker or the reward node; None: as it was."""
        if topic.endswith("/image_raw"):
            return self._image(topic.split("/")[-3], message)
        return self._reward(message) if topic.endswith("/reward") else self._observation(message)

    def _image(self, camera: str, message: Any) -> Any:
        if not self._light.on(message.header.stamp):
            return None
        pixels = self._light.lit(image_to_array(message))
        message.data[:] = type(message.data)("B", pixels.tobytes())
        stamp = time_to_nanoseconds(message.header.stamp)
        self._frames[camera, stamp] = resize(pixels, 84, 84)
        return message

    def _observation(self, message: Any) -> Any:
        if message.episode != self._light.episode:
            return None
        shape = (len(message.cameras), message.frames, 3, message.height, message.width)
        planes = np.array(message.data, np.uint8).reshape(shape)
        for index, stamp in enumerate(message.stamps):
            camera, frame = divmod(index, message.frames)
            lit = self._frames.get((message.cameras[camera], time_to_nanoseconds(stamp)))
            if lit is not None:
                planes[camera, frame] = lit.transpose(2, 0, 1)
        message.data[:] = type(message.data)("B", planes.tobytes())
        self._newest[message.step] = {
            name: planes[camera, -1].transpose(1, 2, 0)
            for camera, name in enumerate(message.cameras)
        }
        return message

    def _reward(self, message: Any) -> Any:
        if message.episode != self._light.episode or message.step not in self._newest:
            return None
        frames = self._newest[message.step]
        inputs = StepInputs(message.episode, message.step, np.zeros(0), 0, 0, frames=frames)
        self._model.begin_episode(EpisodeInfo(message.episode), None)
        made = self._model.compute(inputs)
        return reward_message(
            made.value, message.episode, message.step, message.header.stamp, terms=made.terms,
            terminated=message.terminated, truncated=message.truncated, success=made.success,
            valid=message.valid, reason=message.reason, states=made.states,
        )  # fmt: skip


def when(bag: Bag, position: int, step: int, gains: tuple[float, float, float]) -> Light:
    """Return the light, from a step of the episode at a position on."""
    episode = list(episodes_of(bag).steps)[position]
    times = []
    for message in bag.messages([n for n, topic in bag.topics.items() if topic.type == MOTION]):
        motion = deserialize_message(message.data, message_class(MOTION))
        if motion.episode == episode and motion.step >= step:
            times += [time_to_nanoseconds(motion.begin), time_to_nanoseconds(motion.end)]
    if not times:
        raise SystemExit(f"episode {episode} (position {position}) has no step {step}")
    return Light(gains, episode, min(times) + 1, max(times))


def in_order(bag: Bag) -> list[BagMessage]:
    """Return the messages to be changed, each after those that it is made from."""
    rank = {IMAGE: 0, OBSERVATION: 1, REWARD: 2}
    names = [name for name, topic in bag.topics.items() if topic.type in rank]
    return sorted(bag.messages(names), key=lambda message: rank[message.type])


def main() -> None:
    """Write the bag; say where the classifier errs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("bag", type=Path, help="full bag of a cable cell's twin")
    parser.add_argument("new", type=Path, help="folder of the bag to be written")
    parser.add_argument("--episode", type=int, default=1, help="its position in the bag")
    parser.add_argument("--step", type=int, default=8, help="first step under the light")
    parser.add_argument("--gains", type=float, nargs=3, default=(0.45, 0.6, 1.4))
    options = parser.parse_args()
    bag = Bag(options.bag)
    task = recorded_task(bag)
    if task is None or task.reward.kind != "cable_routing":
        raise SystemExit(f"{bag.path} is no bag of a cable cell")
    light = when(bag, options.episode, options.step, tuple(options.gains))
    relit = Relit(light, make_reward(task))
    made = {}
    for message in in_order(bag):
        decoded = deserialize_message(message.data, message_class(message.type))
        if (changed := relit.message(message.topic, decoded)) is not None:
            made[message.topic, message.sequence, message.log_time] = serialize_message(changed)
    writer = BagWriter(options.new)
    for topic in bag.topics.values():
        writer.add_topic(topic)
    for name, values in bag.records.items():
        writer.add_record(name, values)
    for message in bag.messages():
        key = message.topic, message.sequence, message.log_time
        writer.write(
            message.topic, made.get(key, message.data), message.log_time, message.publish_time
        )
    writer.close()
    write_parameters(options.new, bag.record("mentor", "parameters"))
    wrong = [key for key in check_cell(Bag(options.new)).contradicted if key[0] == light.episode]
    if not wrong:
        raise SystemExit("the classifier does not err under this light: choose other --gains")
    print(f"{options.new}: the reward contradicts the ground truth at {len(wrong)} steps of it")


if __name__ == "__main__":
    main()
