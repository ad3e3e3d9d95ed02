"""Node: records the topics of a cell into bags."""

from __future__ import annotations

import json
import math
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from std_srvs.srv import Trigger

from mentor_common.bags.metadata import BagTopic
from mentor_common.bags.writer import Splitting
from mentor_common.messages import topics
from mentor_common.messages.cdr import CdrError, read_reward
from mentor_common.messages.topics import Interface
from mentor_common.node import health
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param, wall_seconds
from mentor_common.node.remote_action import Cancelled
from mentor_common.tasks.task import TaskError, find_task
from mentor_msgs.srv import Describe
from mentor_recorder.bags.summary import RECORD
from mentor_recorder.nodes.background import run_node
from mentor_recorder.nodes.batches import Taken
from mentor_recorder.nodes.parameter_reader import ParameterReader
from mentor_recorder.nodes.topic_finder import TopicFinder
from mentor_recorder.recording.last_minutes import LastMinutes
from mentor_recorder.recording.origin import cell_files, input_hashes, input_texts, origin
from mentor_recorder.recording.profiles import EXPERIENCE, PROFILES, found_by_profile
from mentor_recorder.recording.received import Received
from mentor_recorder.recording.recording import Recording
from mentor_recorder.recording.snapshot_writer import SnapshotWriter

KEEP = Interface("~/keep", Trigger, "recorder")
"""Writes the last minutes out (profile `fault`)."""
PERIOD = 0.2
"""Seconds of wall time between two batches of messages."""
HURRIED = 100
"""Polls for new topics at this pace; what is published before a topic is found is in no bag."""
CALM = 10
"""Later every so many periods are enough: a poll costs milliseconds."""
ANSWER = 0.5
"""Seconds after which ``~/keep`` answers, even if the last minutes are still being written."""
WRITE_AT_END = 2.0
"""Seconds in which the last minutes are written when the node ends; its workers have 2.5 s."""


def megabytes(name: str, default: int, description: str, low: int, high: int) -> Param:
    """Return a parameter that is a size in megabytes."""
    return Param(name, "int", default, description, low, high, read_only=True)


class RecorderNode(CellNode):
    """Writes a cell's topics into a bag as raw bytes, or keeps the last minutes of them.

    A disk that refuses ends the recording, which the diagnostics name, and nothing else.
    """

    NAME = "recorder"
    STEPS_NEED_IT: ClassVar = False
    PARAMETERS: ClassVar = (
        Param(
            "profile", "str", "experience",
            "what is recorded: experience (what is learned from), full (camera images and poses "
            "too), fault (as full, but only the last minutes, and only if something goes wrong)",
            choices=PROFILES, read_only=True,
        ),
        Param(
            "folder", "str", "bags",
            "folder in which a new bag is made, named after the time of its beginning",
            read_only=True,
        ),
        Param(
            "task", "str", "", "name of the task or path of its YAML, whose text goes into the bag",
            read_only=True,
        ),
        Param(
            "topics", "str[]", [], "further topics, relative to the namespace or absolute",
            read_only=True,
        ),
        Param(
            "weights", "bool", False,
            "whether published weights are recorded too (tens of megabytes each)", read_only=True,
        ),
        Param(
            "compression", "str", "zstd", "of the bag's chunks", choices=("zstd", "lz4", "none"),
            read_only=True,
        ),
        megabytes("split_megabytes", 1024, "size at which a new file of the bag begins; 0: never",
                  0, 1_000_000),
        Param(
            "split_minutes", "float", 0.0, "age at which a new file of the bag begins; 0: never",
            low=0.0, high=10_000.0, read_only=True,
        ),
        megabytes("limit_megabytes", 0, "size of the bag above which its oldest files are deleted; "
                  "0: no limit", 0, 10_000_000),
        megabytes("buffer_megabytes", 256, "what waits for the disk at most; what comes then is "
                  "lost, and counted", 1, 65536),
        Param(
            "fault_minutes", "float", 2.0, "profile fault: minutes that are kept in memory",
            low=0.01, high=1000.0, read_only=True,
        ),
        megabytes("fault_megabytes", 1024, "profile fault: memory that they take at most; the "
                  "oldest go before their time", 1, 65536),
        wall_seconds("fault_delay", 2.0, "that are recorded after the fault (profile fault)",
                     0.0, 60.0, read_only=True),
    )  # fmt: skip

    def configure(self) -> None:
        """Make servers and meters."""
        self._profile = self.text("profile")
        self._origin = {
            "profile": json.dumps(self._profile),
            "namespace": json.dumps(self.get_namespace()),
            "task": json.dumps(self.text("task")),
            "files": "{}",
        }
        self._node_parameters: dict[str, dict[str, Any]] = {}
        self._reward_topic = self.resolve_topic_name(topics.REWARD.name)
        self._extra = {self.resolve_topic_name(name) for name in self.items("topics")}
        self.serve(KEEP, self._on_keep)
        self._describe = self.describe_client()
        self._taken = self.health.rate("messages")
        self._megabytes = self.health.rate("megabytes")
        self._lost = self.health.counter("messages lost", health.Limits(warn_above=0))
        self._held = self.health.gauge("memory of the last minutes", "s")
        self._kept = self.health.counter("bags of the last minutes")
        self._recording: Recording | None = None
        self._ring: LastMinutes | None = None
        self._ring_lock = threading.Lock()
        self._fault: tuple[float, str] | None = None
        self._polls = 0

    def activate(self) -> None:
        """Begin to record."""
        self._write_until = math.inf
        if self._profile == "fault":
            self._ring = LastMinutes(
                60.0 * self.number("fault_minutes"), self.integer("fault_megabytes") << 20
            )
        else:
            splitting = Splitting(
                self.integer("split_megabytes") << 20,
                60.0 * self.number("split_minutes"),
                self.integer("limit_megabytes") << 20,
            )
            self._recording = Recording(
                self._new_bag(), splitting, self.text("compression"),
                self.integer("buffer_megabytes") << 20, self._on_report,
            )  # fmt: skip
            self.get_logger().info(f"records ({self._profile}) into {self._recording.path}")
        self._finder = TopicFinder(self, self._wanted, self._add_topic, self.get_logger().warning)
        self._reader = ParameterReader(self, self._on_parameters)
        self._finder.subscribe(EXPERIENCE)
        if self.flag("weights"):
            self._finder.subscribe([topics.POLICY_WEIGHTS])
        self.start_worker("origin", self._find_origin)  # after the subscriptions: it takes a while
        self.start_worker("description", self._find_description)
        self.timer(PERIOD, self._poll, wall=True)

    def deactivate(self) -> None:
        """Close the bag."""
        self._write_until = time.monotonic() + WRITE_AT_END
        self._record(self._finder.take(last=True))
        self._finder.close()
        self._reader.close()
        if self._recording is not None:
            self._recording.close()
            self.get_logger().info(
                f"recorded {self._recording.messages} messages into {self._recording.path}"
                + (f"; {self._recording.lost} are missing" if self._recording.lost else "")
            )
            self._recording = None
        if self._fault is not None:
            self._write_out(self._fault[1])
        self._ring = None

    def _task_files(self) -> list[Path]:
        if not self.text("task"):
            return []
        cell = cell_files(self.text("task"))
        try:
            return [Path(find_task(self.text("task")).file), *cell]
        except TaskError:
            return cell  # a benchmark has no task file

    def _new_bag(self, what: str = "") -> Path:
        now = datetime.now().strftime("%Y%m%d-%H%M%S")
        return Path(self.text("folder")).expanduser() / f"{now}{what}"

    def _wanted(self, name: str) -> bool:
        return found_by_profile(self._profile, name) or (
            name.startswith("/") and name in self._extra
        )

    def _add_topic(self, topic: BagTopic) -> None:
        if self._recording is not None:
            self._recording.add_topic(topic)
        if self._ring is not None:
            with self._ring_lock:
                self._ring.topics[topic.name] = topic

    def _record(self, taken: list[Taken]) -> None:
        """Record a batch of messages."""
        batch = [Received(t.name, t.message, t.received, t.published, t.sequence) for t in taken]
        self._taken.add(len(batch))
        self._megabytes.add(sum(len(message.data) for message in batch) / 1e6)
        if self._recording is not None:
            self._recording.put(batch)
        elif self._ring is not None:
            with self._ring_lock:
                for message in batch:
                    self._ring.put(message)
            for message in batch:
                if message.topic == self._reward_topic:
                    self._look_for_fault(message.data)

    # The last minutes.

    def _look_for_fault(self, data: bytes) -> None:
        try:
            reward = read_reward(data)
        except CdrError:
            return
        if not reward.valid and self._fault is None:
            reason = f"episode {reward.episode}, step {reward.step}: {reward.reason}"
            self.get_logger().warning(f"fault: {reason}; the last minutes are written out")
            self._fault = (time.monotonic() + self.number("fault_delay"), reason)

    def _on_keep(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if not self.active:
            response.message = f"the node is {self.state_label}"
        elif self._recording is not None:
            response.success = not self._recording.problem
            response.message = self._recording.problem or (
                f"everything is recorded into {self._recording.path}"
            )
        else:
            self._record(self._finder.take())
            response.success, response.message = self._write_out("asked for by ~/keep")
        return response

    def _write_out(self, reason: str) -> tuple[bool, str]:
        """Write the last minutes; return whether nothing has failed so far, and a sentence."""
        self._fault = None
        assert self._ring is not None
        with self._ring_lock:
            messages, known = self._ring.snapshot(), dict(self._ring.topics)
        record = {**self._origin, "fault": json.dumps(reason)}
        folder, compression = self._new_bag("-fault"), self.text("compression")
        writer = SnapshotWriter(folder, messages, known, {RECORD: record}, compression)

        def write() -> None:
            writer.run(lambda: self._write_until)
            good, text = writer.answer()
            if not good:
                self.health.problem("disk", health.ERROR, text)
                self.get_logger().error(text)
                return
            self.health.solved("disk")
            self._kept.add()
            self.get_logger().info(f"{text}: {reason}")

        self.start_worker("last minutes", write).join(ANSWER)
        return writer.answer()

    # Origin.

    def _find_origin(self) -> None:
        found = origin(self._task_files())
        self.call_soon(lambda: self._add_origin(found))

    def _add_origin(self, found: dict[str, str]) -> None:
        files = {**json.loads(found["files"]), **json.loads(self._origin["files"])}
        self._origin.update(found, files=json.dumps(files))
        self._record_origin()

    def _record_origin(self) -> None:
        if self._recording is not None:
            self._recording.add_record(RECORD, self._origin)

    def _on_parameters(self, name: str, values: dict[str, Any]) -> None:
        self._node_parameters[name] = values
        self._origin["parameters"] = json.dumps(self._node_parameters)
        inputs = input_hashes(self._node_parameters, Path.cwd())
        self._origin["inputs"] = json.dumps(inputs)
        files = {**json.loads(self._origin["files"]), **input_texts(inputs)}
        self._origin["files"] = json.dumps(files)
        self._record_origin()

    def _find_description(self) -> None:
        try:
            answer = self._describe.call(math.inf, cancelled=self.stopping.is_set)
        except Cancelled:
            return
        self.call_soon(lambda: self._add_description(answer))

    def _add_description(self, answer: Describe.Response) -> None:
        fields = {
            name: list(value)
            if hasattr(value, "__iter__") and not isinstance(value, str)
            else value
            for name in Describe.Response.get_fields_and_field_types()
            for value in [getattr(answer, name)]
        }
        self._origin["describe"] = json.dumps(fields)
        self._record_origin()

    # Once in a while.

    def _poll(self) -> None:
        self._polls += 1
        self._record(self._finder.take())
        if self._polls < HURRIED or self._polls % CALM == 0:
            self._finder.poll()
            self._reader.poll()
        if self._polls % CALM == 0:
            self._finder.check_offers()
        if self._fault is not None and time.monotonic() >= self._fault[0]:
            self._write_out(self._fault[1])
        if self._recording is not None:
            self._lost.add(self._recording.lost - self._lost.total)
            if self._recording.problem:
                self.health.problem(
                    "disk", health.ERROR, f"not recording: {self._recording.problem}"
                )
            else:
                self.health.solved("disk")
        if self._ring is not None:
            self._held.set(self._ring.span)

    def _on_report(self, text: str, bad: bool) -> None:
        if bad:  # on two lines: the client library refuses another severity from the same one
            self.get_logger().error(text)
        else:
            self.get_logger().info(text)


def main() -> None:
    """Run the node."""
    run_node(RecorderNode)


if __name__ == "__main__":
    main()
