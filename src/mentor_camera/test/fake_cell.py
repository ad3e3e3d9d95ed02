"""A camera and an arm for the tests: they publish images that carry their time, and motions."""

from __future__ import annotations

from clockface import MS, clock_image
from fake_peer import FakePeer

from mentor_common.messages import topics
from mentor_common.messages.experience import nanoseconds_to_time
from mentor_common.messages.images import array_to_image
from mentor_msgs.msg import Motion, Observation

CAMERAS = ("side", "slot_1", "slot_2")


class FakeCell(FakePeer):
    """Publishes images and motions, and receives observations and diagnostics, over real DDS."""

    def __init__(self) -> None:
        super().__init__("fake_cell")
        self._images = {
            camera: self.node.create_publisher(t.type, t.name, t.qos)
            for camera in CAMERAS
            for t in [topics.camera_image(camera)]
        }
        self._motions = self.node.create_publisher(Motion, "motion", topics.EXPERIENCE_QOS)
        self.observations: dict[tuple[int, int], Observation] = {}
        self.received = 0
        self.diagnostics = self.record_diagnostics("stacker")
        self.log = self.record_log("stacker")
        self.node.create_subscription(
            Observation, "observation", self._on_observation, topics.EXPERIENCE_QOS
        )
        self.begin()

    def wait_for_stacker(self) -> None:
        """Wait until the stacker receives all topics."""
        publishers = [*self._images.values(), self._motions]

        def connected() -> bool:
            return all(p.get_subscription_count() > 0 for p in publishers) and bool(
                self.node.get_publishers_info_by_topic("/observation")
            )

        self.wait_until_active(connected, "the stacker")

    def exchange(self) -> None:
        """Have the stacker make observations of episode 0 until one arrives.

        It then receives all topics: to have found its subscriptions does not say that it has found
        the publishers, and images are best effort.
        """
        for step in range(1, 31):
            begin = 5_000 + 100 * step  # before all others, but not at the very beginning
            self.images(begin, begin + 25, begin + 50)
            self.motion(0, step, begin, begin + 50)
            if self.wait(lambda: bool(self.observations), 1.0):
                return
        raise AssertionError("no observation in 30 attempts")

    def image(self, camera: str, time_ms: int, height: int = 64, width: int = 64) -> None:
        """Publishes an image that spells its stamp."""
        pixels = clock_image(time_ms * MS, height, width)
        stamp = nanoseconds_to_time(time_ms * MS)
        self._images[camera].publish(array_to_image(pixels, "rgb8", stamp, camera))

    def images(self, *times_ms: int, cameras: tuple[str, ...] = CAMERAS) -> None:
        """Publishes images of all these cameras at these times."""
        for time_ms in times_ms:
            for camera in cameras:
                self.image(camera, time_ms)

    def motion(self, episode: int, step: int, begin_ms: int, end_ms: int) -> None:
        """Publishes a motion."""
        message = Motion(episode=episode, step=step)
        message.begin = nanoseconds_to_time(begin_ms * MS)
        message.end = message.header.stamp = nanoseconds_to_time(end_ms * MS)
        self._motions.publish(message)

    def observation(self, episode: int, step: int, seconds: float = 60.0) -> Observation:
        """The observation of a step; fails if it does not come."""
        assert self.wait(lambda: (episode, step) in self.observations, seconds), (
            f"no observation of episode {episode} step {step}"
        )
        return self.observations[episode, step]

    def _on_observation(self, message: Observation) -> None:
        self.received += 1
        self.observations[message.episode, message.step] = message
