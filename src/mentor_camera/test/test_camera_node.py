"""The camera node, and a stacker of compressed images, as processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_peers import Shutter, Viewer
from fake_peer import FakePeer
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CompressedImage
from task_node import task_node

from mentor_common.messages import topics
from mentor_common.messages.experience import (
    nanoseconds_to_time,
    observation_pixels,
    time_to_nanoseconds,
)
from mentor_common.messages.images import image_to_rgb
from mentor_msgs.msg import Motion, Observation

ERROR = 2
CELL = """
name: test
cameras:
  side: {serial: '0000', crop: {x: 100, y: 50, width: 168, height: 168}}
"""


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Viewer, Path]]:
    folder = tmp_path_factory.mktemp("feeds")
    (folder / "cell.yaml").write_text(CELL)
    viewer = Viewer()
    try:
        with task_node(
            "mentor_camera.nodes.realsense_camera",
            cell_file=folder / "cell.yaml", source=f"feed:{folder / 'side'}", warm_up=0.2,
            frame_timeout=0.3, shrink=False, reconnect_period=0.2, diagnostics_period=0.2,
            serial_no="'1234'", image_reliability="best_effort",  # the cell file's is another
        ):  # fmt: skip
            yield viewer, folder / "side"
    finally:
        viewer.close()


def test_a_camera_is_waited_for_found_lost_and_found_again(viewer: tuple[Viewer, Path]) -> None:
    seen, path = viewer
    assert seen.reads(ERROR, "camera 'side': nobody offers the frame feed")

    camera = Shutter(path)
    assert camera.shoot_until(lambda: len(seen.images) >= 5)
    image = seen.images[-1]
    assert (image.width, image.height, image.encoding) == (168, 168, "rgb8")
    assert image.header.frame_id == "side_color_optical_frame"
    assert abs(time_to_nanoseconds(image.header.stamp) - time.time_ns()) < 2e9
    (offer,) = seen.node.get_publishers_info_by_topic(topics.camera_image("side").name)
    assert offer.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    pixels = image_to_rgb(image)
    assert tuple(pixels[0, 0, 1:]) == (1, 2) and not pixels[1:].any()

    seen.diagnostics.clear()
    assert camera.shoot_until(
        lambda: any("s in the future" in said for _, said in seen.diagnostics), 2.0
    )
    camera.unplug()
    assert seen.reads(ERROR, "nobody offers the frame feed")
    stranger = Shutter(path, serial="77")
    assert stranger.shoot_until(
        lambda: any("serial 1234 is not connected; connected: 77" in said
                    for _, said in seen.diagnostics)
    )  # fmt: skip
    stranger.unplug()
    before = len(seen.images)
    again = Shutter(path)
    assert again.shoot_until(lambda: len(seen.images) > before + 3)
    seen.diagnostics.clear()
    assert again.shoot_until(lambda: any(at < ERROR for at, _ in seen.diagnostics))
    again.unplug()


def test_compressed_topics_of_realsense2_camera_are_stacked_and_a_wrong_clock_is_refused() -> None:
    peer = FakePeer("realsense2_camera")
    cameras = ("side", "slot_1", "slot_2")
    publishers = {
        name: peer.node.create_publisher(
            CompressedImage, f"{topics.camera_image(name).name}/compressed", topics.IMAGE_QOS
        )
        for name in cameras
    }
    motions = peer.node.create_publisher(Motion, "motion", topics.EXPERIENCE_QOS)
    seen: list[Observation] = []
    peer.node.create_subscription(Observation, "observation", seen.append, topics.EXPERIENCE_QOS)
    diagnostics = peer.record_diagnostics("stacker")
    peer.begin()
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:] = (200, 100, 50)
    _, encoded = cv2.imencode(".jpg", picture[:, :, ::-1])

    def publish(stamp_ns: int) -> None:
        for publisher in publishers.values():
            message = CompressedImage(format="rgb8; jpeg compressed bgr8", data=encoded.tobytes())
            message.header.stamp = nanoseconds_to_time(stamp_ns)
            publisher.publish(message)

    try:
        with task_node("mentor_camera.nodes.stacker_node", image_transport="compressed"):
            peer.wait_until_active(
                lambda: all(p.get_subscription_count() for p in (*publishers.values(), motions)),
                "the stacker",
            )
            now = time.time_ns()
            publish(now)
            motion = Motion(episode=1, step=0)
            motion.begin = motion.end = nanoseconds_to_time(now)
            motions.publish(motion)
            assert peer.wait(lambda: bool(seen), 60.0)
            pixels = observation_pixels(seen[0]).astype(int)
            assert (
                np.abs(pixels.reshape(9, 3, 84, 84) - np.array([200, 100, 50])[:, None, None]).max()
                <= 3
            )
            motion.step = 1
            motion.begin = motion.end = nanoseconds_to_time(time.time_ns() + 2_000_000_000)
            motions.publish(motion)
            assert peer.wait(
                lambda: any("the end of a motion is" in said and "s in the future" in said
                            for _, said in diagnostics), 60.0,
            )  # fmt: skip
            publish(time.time_ns() + 2_000_000_000)
            assert peer.wait(
                lambda: any(at == ERROR and "camera 'side': an image is" in said
                            and "s in the future by this machine's clock" in said
                            for at, said in diagnostics), 60.0,
            )  # fmt: skip
    finally:
        peer.close()
