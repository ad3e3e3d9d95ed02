"""Node: camera images and motions in, observations out."""

from __future__ import annotations

import time
from functools import partial
from typing import ClassVar

from sensor_msgs.msg import CompressedImage, Image

from mentor_camera.contact_sheet import contact_sheet
from mentor_camera.stacking.stacker import MissingFrames, MotionTimes, Stack, Stacker
from mentor_common.cell.cell_file import find_cell
from mentor_common.messages import topics
from mentor_common.messages.experience import (
    checked_nanoseconds,
    nanoseconds_to_time,
    observation_message,
)
from mentor_common.messages.images import array_to_image
from mentor_common.messages.topics import Topic
from mentor_common.node import health
from mentor_common.node.camera_images import CAMERA_PARAMETERS, CameraImages
from mentor_common.node.cell_node import CellNode
from mentor_common.node.debug_log import debug
from mentor_common.node.drop_log import DropLog
from mentor_common.node.parameters import TASK, Param, wall_seconds
from mentor_common.node.running import main as run_node
from mentor_common.tasks.task import find_task
from mentor_msgs.msg import Motion

MONITOR = Topic("observation/image", Image, topics.STATE_QOS, "stacker")
"""The observation as a contact sheet, published only while somebody subscribes."""
_TICK = 0.02  # seconds of wall time between two polls of steps whose frames have not arrived
_HISTORY = 3.0  # seconds of wall time in which motions may come that were published earlier


class StackerNode(CellNode):
    """Publishes Observation(e, k) for every Motion(e, k) whose frames have arrived.

    A step whose frames do not arrive within ``frame_timeout`` gets no observation: it is logged
    and counted in the diagnostics, and the reward node ends the episode.
    """

    NAME = "stacker"
    PARAMETERS: ClassVar = (
        TASK,
        Param(
            "cell_file", "str", "",
            "path of the cell file, whose crops replace the task's; empty: none",
            read_only=True,
        ),
        wall_seconds("frame_timeout", 1.0, "for which the frames of a motion are waited for",
                     0.05, 30.0, read_only=True),
        wall_seconds("gap_wait", 0.1, "for which a frame missing between two others is waited for",
                     0.0, 5.0, read_only=True),
        Param(
            "ring_depth", "int", 256,
            "frames kept of each camera; at least the longest motion times the frame rate",
            low=8, high=4096, read_only=True,
        ),
        *CAMERA_PARAMETERS,
    )  # fmt: skip

    def configure(self) -> None:
        """Make the rings, the subscriptions and the publishers."""
        task = self._task = find_task(self.text("task"))
        self._layout = task.layout
        self._stacker = Stacker(
            self._layout,
            tolerance_s={name: task.camera(name).frame_tolerance for name in self._layout.cameras},
            timeout_s=self.number("frame_timeout"),
            gap_wait_s=self.number("gap_wait"),
            depth=self.integer("ring_depth"),
        )
        cell = find_cell(self.text("cell_file"))
        self._crops = {
            name: cell.placed(task.camera(name), task.image_size(name))
            for name in self._layout.cameras
        }
        self._images = CameraImages(self, self._stacker.clear)
        self._observations = self.publisher(topics.OBSERVATION)
        self._monitor = self.publisher(MONITOR)
        self.subscription(topics.MOTION, self._on_motion, low_latency=True)
        self._cameras = {}
        for camera in self._layout.cameras:
            topic = self._images.topic(camera)
            self.subscription(topic, partial(self._on_image, camera), low_latency=True)
            self._cameras[camera] = self.health.rate(f"{camera} images")
            self.peers.publisher_of(topic)
        self.peers.publisher_of(topics.MOTION)
        self.peers.subscriber_of(topics.OBSERVATION, "agent", required=False)
        self._ticker = self.ticker(_TICK, self._publish_ready)
        self._made = self.health.rate("observations")
        self._delay = self.health.timing("stacking after motion")
        self._offset = self.health.gauge("worst frame offset", "s")
        self._late = self.health.counter("steps built without the nearest frame")
        self._missing = self.health.counter("steps without observation")
        self._repeated = self.health.counter("repeated motions and frames")
        self._disordered = self.health.counter("frames out of order")
        self._refused = self.health.counter("unreadable images")
        self._failures = DropLog(lambda text: self.get_logger().error(text))
        self._drops = DropLog(self.get_logger().warning)
        self._motion_at: dict[tuple[int, int], float] = {}

    def cleanup(self) -> None:
        """Watch the clock no longer."""
        self._images.close()

    def activate(self) -> None:
        """Begin without frames, as old ones may be out of date."""
        self._stacker.clear()
        self._active_since = time.monotonic()

    def _on_image(self, camera: str, message: Image | CompressedImage) -> None:
        try:
            stamp_ns, pixels = self._images.read(message)
            image = self._crops[camera].cropped(pixels)
        except ValueError as error:  # an ImageError, or an image of another size
            self._refused.add()
            self.health.problem(f"image of {camera}", health.ERROR, f"camera '{camera}': {error}")
            return
        self.health.solved(f"image of {camera}")
        self._cameras[camera].add()
        ring = self._stacker.rings[camera]
        disordered = ring.out_of_order
        if not self._stacker.add_image(camera, stamp_ns, image):
            self._repeated.add()
        self._disordered.add(ring.out_of_order - disordered)
        self._publish_ready()

    def _on_motion(self, message: Motion) -> None:
        now = time.monotonic()
        try:
            motion = MotionTimes(
                message.episode,
                message.step,
                checked_nanoseconds(message.begin, "a motion"),
                checked_nanoseconds(message.end, "a motion"),
            )
            self._check_clock(motion, now)
            if self._stacker.add_motion(motion, now):
                self._motion_at[motion.episode, motion.step] = now
            else:
                self._repeated.add()
        except ValueError as error:
            self._missing.add()
            self.health.problem("motion", health.ERROR, str(error))
            self._failures.note(str(error))
        self._publish_ready()

    def _check_clock(self, motion: MotionTimes, now: float) -> None:
        """Report a motion that ended at another time by this machine's clock, as frames would be
        taken for it that are not its own."""
        wrong = self._images.wrong_clock("the end of a motion", motion.end_ns)
        if not wrong:
            self.health.solved("clock of the motions")
        elif now - self._active_since > _HISTORY or "future" in wrong:
            self.health.problem("clock of the motions", health.WARN, wrong)
            self.get_logger().warning(wrong, throttle_duration_sec=5.0)

    def _publish_ready(self) -> None:
        if not self._stacker.pending:
            return
        failed: list[MissingFrames] = []
        for result in self._stacker.collect(time.monotonic()):
            received = self._motion_at.pop((result.motion.episode, result.motion.step))
            if isinstance(result, Stack):
                self._publish(result)
                self._delay.took(time.monotonic() - received)
            else:
                failed.append(result)
        if failed:
            self._report_missing(failed)
        self._ticker.want(bool(self._stacker.pending))

    def _publish(self, stack: Stack) -> None:
        stamp = nanoseconds_to_time(stack.motion.end_ns)
        self._observations.publish(
            observation_message(
                stack.pixels,
                self._layout,
                stack.motion.episode,
                stack.motion.step,
                stamp,
                task=self._task.name,
                stamps=[nanoseconds_to_time(time_ns) for time_ns in stack.stamps_ns],
            )
        )
        self._made.add()
        debug(
            self,
            lambda: (
                f"observation ({stack.motion.episode}, {stack.motion.step}): frames at most "
                f"{stack.worst_offset_s:.3f} s off"
            ),
        )
        self._offset.set(stack.worst_offset_s)
        self._late.add(int(stack.late))
        self.health.solved("frames")
        self.health.solved("motion")
        if self._monitor.get_subscription_count():
            sheet = contact_sheet(stack.pixels, self._layout)
            self._monitor.publish(array_to_image(sheet, "rgb8", stamp, self._task.name))

    def _report_missing(self, failed: list[MissingFrames]) -> None:
        self._missing.add(len(failed))
        last = failed[-1]
        which = f"episode {last.motion.episode} step {last.motion.step}"
        if len(failed) > 1:
            which = f"{len(failed)} steps, the last one {which}"
        text = f"no observation of {which}: {last.reason}"
        if all(missing.before_first_frame for missing in failed):
            self._drops.note(f"{text} (motions from before this node was active)", len(failed))
            return
        self.health.problem("frames", health.ERROR, text)
        self._failures.note(text, len(failed))


def main() -> None:
    """Run the node; the entry point."""
    run_node(StackerNode)


if __name__ == "__main__":
    main()
