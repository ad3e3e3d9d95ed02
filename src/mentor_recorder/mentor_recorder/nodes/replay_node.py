"""Node: plays a bag onto topics, or feeds it to a cell's nodes and compares what they make."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock

from mentor_common.bags.definitions import message_class
from mentor_common.bags.qos import qos_from_yaml
from mentor_common.bags.reader import Bag, BagError, BagMessage
from mentor_common.bags.steps import STEP_TYPES, step_of
from mentor_common.messages import topics
from mentor_common.messages.experience import nanoseconds_to_time, time_to_nanoseconds
from mentor_common.messages.qos import reliable
from mentor_common.messages.topics import Topic
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_common.node.peers import node_names
from mentor_common.node.running import main as run_node
from mentor_recorder.nodes.node_starter import NodeStarter
from mentor_recorder.replay.causal_order import in_causal_order
from mentor_recorder.replay.comparable import why_not_compared
from mentor_recorder.replay.compare import (
    compare_means,
    compare_observations,
    compare_rewards,
    why_no_mean,
)
from mentor_recorder.replay.expected import Expected
from mentor_recorder.replay.feed import IMAGE, Feed, Span
from mentor_recorder.replay.readiness import Readiness
from mentor_recorder.replay.report import NOTHING_COMPARED, report, write_report
from mentor_recorder.replay.tally import Tally

FED = ("clock", "motion", "observation", "action", "ground_truth", "episode_start")
"""Topics that the compared nodes receive, besides camera images."""
COMPARISONS = {
    "observation": compare_observations,
    "reward": compare_rewards,
    "action": compare_means,
}
STARTED = {"observation": "stacker", "reward": "reward"}
"""Nodes that wait to be started until it is known that the bag has what they need."""
HOPELESS = 3
"""Steps of which nothing arrived after which a node gets a second for each, and after which a
comparison ends if the node has made nothing at all."""
MOSTLY_MISSING = 30
"""Steps of which nothing arrived after which a comparison ends, if they outnumber the others."""
FIRST_PATIENCE = 60.0
"""Seconds of wall time after which the first step of a node is missing: it makes its networks."""
START_PATIENCE = 120.0
"""Seconds of wall time in which the compared nodes must be there."""
REMINDER = 30.0
"""Seconds of wall time after which it is logged who is waited for, and again."""
DISCOVERY = 1.0
"""Seconds for which playing waits for subscribers that run already."""
STALLED = 12
"""Images of a camera between two motions after which the stacker is given time to take them."""


class ReplayNode(CellNode):
    """Plays a bag at a rate; or, with ``diff``, steps through it and compares.

    For a comparison the stacker, the reward node and the policy's replay run beside it, and publish
    below ``replayed/``. Each is given what was recorded, not what the others make of it, so that a
    difference is named where it arises.
    """

    NAME = "replay"
    STEPS_NEED_IT: ClassVar = False
    PARAMETERS: ClassVar = (
        Param("bag", "str", "", "folder of the bag, or an .mcap file", read_only=True),
        Param("diff", "bool", False, "compare instead of play", read_only=True),
        Param("rate", "float", 1.0, "how fast the bag is played; 1: as it was recorded",
              low=0.01, high=1000.0),
        Param("from", "float", 0.0, "seconds from the bag's beginning", low=0.0, high=1e9,
              read_only=True),
        Param("to", "float", 0.0, "seconds from the bag's beginning; 0: to the end", low=0.0,
              high=1e9, read_only=True),
        Param("episodes", "str", "",
              "episodes by position or number, e.g. 0-2,5; empty: all", read_only=True),
        Param("patience", "float", 10.0,
              "diff: seconds of wall time after which a step of which nothing comes is missing; a "
              "node's first step gets a minute",
              low=0.1, high=600.0),
        Param("report", "str", "", "diff: file that the summary is written to, as JSON",
              read_only=True),
    )  # fmt: skip

    def configure(self) -> None:
        """Open the bag and make the publishers."""
        if not self.text("bag"):
            raise BagError("bag:= is needed: the folder of a bag")
        self._bag = Bag(Path(self.text("bag")).expanduser())
        self._feed = Feed(
            self._bag, Span(self.number("from"), self.number("to"), self.text("episodes"))
        )
        self._made: dict[str, Any] = {}
        self._parts: dict[str, Expected] = {}
        self._names: set[str] | None = None
        self._first_images: dict[str, int] = {}
        """Stamp of the first image of each camera, nanoseconds."""
        if self.flag("diff"):
            self._names = self._prepare_comparison()
        for name, topic in self._bag.topics.items():
            relative = self._feed.relative(name)
            if (self._names is None or relative in self._names) and self._bag.counts[name]:
                qos = qos_from_yaml(topic.qos)
                if topic.type == IMAGE and self._names is not None:
                    qos = reliable(64)
                self._made[name] = self.create_lifecycle_publisher(
                    message_class(topic.type), relative, qos
                )
        self._ticks = None
        if not self._feed.count("clock"):
            self._ticks = self.publisher(topics.CLOCK)

    def activate(self) -> None:
        """Begin, in a thread beside the callbacks."""
        self.start_worker("replay", self._compare if self.flag("diff") else self._play)

    def deactivate(self) -> None:
        """End what is waited for."""
        for part in self._parts.values():
            part.cancel()

    def _play(self) -> None:
        self.stopping.wait(DISCOVERY)
        first: int | None = None
        begun, count, ticked = time.monotonic(), 0, 0.0
        for message in self._feed.messages():
            first = message.log_time if first is None else first
            due = begun + (message.log_time - first) / 1e9 / self.number("rate")
            while (left := due - time.monotonic()) > 0.0:
                if self.stopping.wait(min(left, 0.5)):
                    return
            if self._ticks is not None and due - ticked > 0.01:
                ticked = due
                self._ticks.publish(Clock(clock=nanoseconds_to_time(message.log_time)))
            self._made[message.topic].publish(message.data)
            count += 1
        self.get_logger().info(f"played {count} messages of {self._bag.path}")
        self.finish(0)

    def _prepare_comparison(self) -> set[str]:
        """Subscribe to what is compared; return the relative names of what is fed."""
        kinds = {
            "observation": (topics.OBSERVATION, Tally("observations", "stacker")),
            "reward": (topics.REWARD, Tally("rewards", "reward node")),
            "action": (topics.ACTION, Tally("mean actions", "policy")),
        }
        self._tallies = {name: tally for name, (_, tally) in kinds.items()}
        reasons = why_not_compared(self._feed)
        for name, (topic, tally) in kinds.items():
            if reasons[name]:
                tally.skip(reasons[name], self._feed.count(name))
                continue
            self._parts[name] = Expected(tally, COMPARISONS[name])
            made = Topic(f"replayed/{name}", topic.type, topic.qos, tally.node)
            self.subscription(made, partial(self._come, name))
        if "action" in self._parts:
            self._parts["action"].refusal = why_no_mean
        nodes = [node for name, node in STARTED.items() if name in self._parts]
        self.timer(0.2, NodeStarter(self, nodes).poll, wall=True)
        self._readiness = Readiness()
        self.subscription(topics.DIAGNOSTICS, self._readiness.add)
        return {*FED, *self._feed.images}

    def _come(self, name: str, message: Any) -> None:
        self._parts[name].come((message.episode, message.step), message)

    def _compare(self) -> None:
        if not self._wait_for_nodes():
            return self.finish(NOTHING_COMPARED)
        logged, steps, images, now = time.monotonic(), 0, 0, 0
        names = {*(self._names or ()), *self._parts}
        messages = self._feed.messages(names)
        for message in in_causal_order(messages, self._feed.messages(names)):
            if self.stopping.is_set():
                return None
            name = self._feed.relative(message.topic)
            if name == "action":
                self._let_reward_come(message)
            if name == "motion":  # all that the steps before it need has been fed by now
                key = step_of(message.data, message.type)
                if idle := self._wait_for_steps((key.episode, key.step)):
                    self.get_logger().error(
                        f"the comparison ends here: the {idle} makes nothing of the bag, or of "
                        "most steps; the node's lines above have the reason"
                    )
                    break
                steps, images = steps + 1, 0
            if message.type == IMAGE:
                images += 1
                if images % (STALLED * max(1, len(self._feed.images))) == 0:
                    time.sleep(0.2)  # a reset, or a long motion: the stacker's queue is short
            self._expect(name, message)
            if self._ticks is not None:
                now = max(now, message.log_time)  # in causal order, not in that of the log
                self._ticks.publish(Clock(clock=nanoseconds_to_time(now)))
            if message.topic in self._made:
                self._made[message.topic].publish(message.data)
            if time.monotonic() - logged > 5.0:
                logged = time.monotonic()
                self.get_logger().info(f"{steps} steps so far")
        self._wait_for_steps()
        for part in self._parts.values():
            part.end()
        return self._report()

    def _expect(self, name: str, message: BagMessage) -> None:
        """Note what the nodes must publish for what is fed."""
        if message.type == IMAGE and name not in self._first_images:
            image = deserialize_message(message.data, message_class(IMAGE))
            self._first_images[name] = time_to_nanoseconds(image.header.stamp)
        if name not in self._parts or message.type not in STEP_TYPES:
            return
        step = step_of(message.data, message.type)
        key = (step.episode, step.step)
        recorded = deserialize_message(message.data, message_class(message.type))
        if name == "action" and not len(recorded.mean):
            self._parts[name].ignore(key, "no policy chose the action")
        elif name == "observation" and self._is_before_images(recorded):
            self._parts[name].ignore(key, "its images are older than the recording of images")
        else:
            self._parts[name].record(key, recorded)

    def _is_before_images(self, observation: Any) -> bool:
        for index, camera in enumerate(observation.cameras):
            first = self._first_images.get(topics.camera_image(camera).name)
            stamps = observation.stamps[index * observation.frames :][: observation.frames]
            if first is None or any(time_to_nanoseconds(stamp) < first for stamp in stamps):
                return True
        return False

    def _let_reward_come(self, action: BagMessage) -> None:
        """Give the reward node time before the action that answers the step.

        A reward node that has just started leaves out steps that an agent has already answered.
        """
        key = step_of(action.data, action.type)
        if "reward" in self._parts:
            reward = self._parts["reward"]
            reward.settle((key.episode, key.step), self._patience(reward))

    def _wait_for_steps(self, later: tuple[int, int] | None = None) -> str:
        """Wait for what is outstanding; return a node that makes nothing of what it gets, or ""."""
        for part in self._parts.values():
            part.wait(self._patience(part), later)
        for part in self._parts.values():
            missing, compared = len(part.tally.missing), part.tally.compared
            if missing >= (MOSTLY_MISSING if compared else HOPELESS) and missing > compared:
                return part.tally.node
        return ""

    def _patience(self, part: Expected) -> float:
        """Return how many seconds a node gets for a step."""
        missing = len(part.tally.missing)
        if missing >= HOPELESS:
            return min(1.0, self.number("patience"))
        first = not part.tally.compared and not missing
        return max(FIRST_PATIENCE * first, self.number("patience"))

    def _wait_for_nodes(self) -> bool:
        """Wait until every compared node publishes and receives; log who is missing."""
        began = logged = time.monotonic()
        while not self.stopping.wait(0.1):
            missing = self._missing_nodes() or self._missing_subscribers()
            if not missing:
                return True
            now = time.monotonic()
            if now - began > START_PATIENCE:
                self.get_logger().error(
                    f"nothing is compared: after {START_PATIENCE:g} s " + "; ".join(missing)
                )
                return False
            if now - logged > REMINDER:
                logged = now
                self.get_logger().info("waits for the compared nodes: " + "; ".join(missing))
        return False

    def _missing_nodes(self) -> list[str]:
        """Return which compared nodes are not there, or do not know yet who plays to them."""
        nodes, missing = [], []
        for name, part in self._parts.items():
            topic = self.resolve_topic_name(f"replayed/{name}")
            found = node_names(self.get_publishers_info_by_topic(topic))
            nodes += found
            if not found:
                missing.append(f"nobody publishes {topic} (the {part.tally.node})")
        played = [publisher.topic_name for publisher in self._made.values()]
        return missing + self._readiness.missing(nodes, played)

    def _missing_subscribers(self) -> list[str]:
        """Return the topics that are not matched yet with all nodes that need them."""
        wanted = {
            "observation": ["motion", *self._feed.observed_images],
            "reward": ["motion", "observation"],
            "action": ["observation", "action"],
        }
        needed = Counter(topic for name in self._parts for topic in wanted[name])
        return [
            f"{relative} has {found} of {needed[relative]} subscribers"
            for name, publisher in self._made.items()
            if (relative := self._feed.relative(name)) in needed
            and (found := publisher.get_subscription_count()) < needed[relative]
        ]

    def _report(self) -> None:
        made = report(self._bag, self._tallies, self._feed.positions)
        for line in (*made.lines, made.result):
            self.get_logger().info(line)
        if self.text("report"):
            write_report(Path(self.text("report")), self._bag, made, self._tallies)
        self.finish(made.status)


def main() -> None:
    """Run the node; the entry point."""
    run_node(ReplayNode)


if __name__ == "__main__":
    main()
