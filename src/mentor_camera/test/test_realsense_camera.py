"""The camera of librealsense, fed by a simulated device: stamps, crop, faults, and stacks."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clockface import MS, clock_image, times_in
from plugged_camera import CAMERA, HEADER, Pump

from mentor_camera.cameras.frame import CameraMissing, CameraRefused, CameraSilent
from mentor_camera.cameras.frame_watch import FrameWatch
from mentor_camera.cameras.realsense import RealSenseCamera
from mentor_camera.cameras.simulated_device import SimulatedDevice
from mentor_camera.stacking.stacker import MotionTimes, Stack, Stacker
from mentor_common.cell.cell_file import CameraCell
from mentor_common.cell.frame_feed import FeedHeader, FrameFeed
from mentor_common.cell.hardware_library import hardware_library
from mentor_common.messages.frames import FrameLayout
from mentor_common.tasks.cameras import Camera

SECOND = 1_000_000_000


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[FrameFeed]:
    """A camera that is plugged in."""
    feed = FrameFeed(tmp_path / "side", HEADER)
    yield feed
    feed.close()


def camera_of(feed: FrameFeed, serial: str = "1234", camera: Camera = CAMERA) -> RealSenseCamera:
    return RealSenseCamera(camera, CameraCell(serial=serial), f"feed:{feed.path}")


@pytest.fixture
def accepting(feed: FrameFeed) -> Iterator[Pump]:
    pump = Pump(lambda: feed.connected)
    yield pump
    pump.stop()


def test_a_frame_keeps_its_stamp_its_number_and_the_cropped_pixels(
    feed: FrameFeed, accepting: Pump
) -> None:
    camera = camera_of(feed)
    camera.open()
    accepting.stop()
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    stamp = time.time_ns() // MS * MS
    assert feed.send(stamp, 7, picture)
    frame = camera.read(2.0)
    # librealsense keeps milliseconds in a double: 0.2 microseconds of today's.
    assert abs(frame.stamp_ns - stamp) < 1000 and frame.number == 7
    assert np.array_equal(frame.pixels, picture[2:62, 4:88])
    assert camera.intrinsics is not None
    assert (camera.intrinsics.cx, camera.intrinsics.cy) == (48.0 - 4.0, 32.0 - 2.0)
    camera.close()


def test_a_camera_with_another_serial_is_refused_and_the_connected_one_is_named(
    feed: FrameFeed, accepting: Pump
) -> None:
    with pytest.raises(CameraMissing, match="serial 9999 is not connected; connected: 1234"):
        camera_of(feed, serial="9999").open()


def test_frames_of_a_wrong_size_are_refused_and_both_sizes_named(
    feed: FrameFeed, accepting: Pump
) -> None:
    camera = camera_of(feed, camera=replace(CAMERA, width=640, height=480))
    camera.open()
    accepting.stop()
    feed.send(time.time_ns(), 1, np.zeros((64, 96, 3), np.uint8))
    with pytest.raises(CameraRefused, match="96x64 pixels; the task file has captures of 640x480"):
        camera.read(2.0)
    camera.close()


def test_an_unplugged_camera_is_silent_then_missing_and_comes_back(
    feed: FrameFeed, accepting: Pump
) -> None:
    camera = camera_of(feed)
    camera.open()
    accepting.stop()
    feed.close()
    with pytest.raises(CameraSilent, match="sent no frame"):
        camera.read(0.2)
    with pytest.raises(CameraMissing, match="nobody offers"):
        camera.open()
    again = FrameFeed(feed.path, HEADER)
    pump = Pump(lambda: again.connected)
    camera.open()
    pump.stop()
    again.send(time.time_ns(), 1, np.zeros((64, 96, 3), np.uint8))
    assert camera.read(2.0).number == 1
    camera.close()
    again.close()


def test_a_recording_plays_its_frames_exactly(
    tmp_path: Path, feed: FrameFeed, accepting: Pump
) -> None:
    """Recorded by librealsense itself from the simulated device."""
    path = tmp_path / "session.db3"
    library = hardware_library("pyrealsense2", "pyrealsense2")
    device = SimulatedDevice(library, feed.path)
    accepting.stop()
    recorder = library.pipeline()
    recorder.set_device(device.device)
    config = library.config()
    config.enable_record_to_file(str(path))
    config.enable_stream(library.stream.color, 96, 64, library.format.rgb8, 30)
    recorder.start(config)
    device.start()
    sent = {}
    for number in range(1, 13):
        stamp = (1_000_000 + 33 * number) * MS
        sent[stamp // MS] = clock_image(stamp, 64, 96)
        feed.send(stamp, number, sent[stamp // MS])
        recorder.wait_for_frames(2000)
    recorder.stop()
    device.close()

    camera = RealSenseCamera(CAMERA, CameraCell(), str(path), real_time=False)
    camera.open()
    played = []
    with pytest.raises(CameraSilent):
        while True:
            played.append(camera.read(0.5))
    assert len(played) >= len(sent) - 2  # librealsense writes from the second frame on
    for frame in played:
        assert np.array_equal(frame.pixels, sent[round(frame.stamp_ns / MS)][2:62, 4:88])
    camera.close()


def test_a_clock_that_is_two_seconds_off_is_named_in_both_directions() -> None:
    watch = FrameWatch(max_future=0.05, max_age=0.5)
    now = 100 * SECOND
    assert watch.refusal(now - SECOND // 10, 1, now) == ""
    assert "2.000 s in the future" in watch.refusal(now + 2 * SECOND, 2, now)
    assert "2.000 s old" in watch.refusal(now - 2 * SECOND, 3, now)
    assert watch.refusal(now, 6, now) == "" and watch.dropped == 2


def test_stacks_are_exact_with_three_cameras_that_jitter_and_drop(tmp_path: Path) -> None:
    """Line 6 of the real cell: through librealsense, against stamps burnt into the pictures."""
    names = ("side", "slot_1", "slot_2")
    header = FeedHeader("Simulated D435", "1234", 84, 60, 30, 90.0)  # the region only
    feeds = {name: FrameFeed(tmp_path / name, header) for name in names}
    pump = Pump(lambda: [feed.connected for feed in feeds.values()])
    cameras = {
        name: RealSenseCamera(replace(CAMERA, name=name), CameraCell(), f"feed:{feed.path}")
        for name, feed in feeds.items()
    }
    for camera in cameras.values():
        camera.open()
    pump.stop()
    stacker = Stacker(FrameLayout(names, 3, 84, 84, False), tolerance_s=0.1)
    random_ = random.Random(0)
    base = (time.time_ns() // MS) & ~((1 << 24) - 1)  # a picture spells 24 bits of milliseconds
    sent: dict[str, list[int]] = {name: [] for name in names}
    motions = [MotionTimes(1, k, (base + 500 * k) * MS, (base + 500 * k + 480) * MS)
               for k in range(1, 7)]  # fmt: skip
    for tick in range(400, 3700, 33):
        for name in names:
            if random_.random() > 0.1:
                stamp = tick + random_.randrange(-8, 9)
                sent[name].append(stamp)
                assert feeds[name].send((base + stamp) * MS, tick, clock_image(stamp * MS, 60, 84))
                frame = cameras[name].read(2.0)
                stacker.add_image(name, frame.stamp_ns, frame.pixels)
    for motion in motions:
        stacker.add_motion(motion, 0.0)
    stacks = [stack for stack in stacker.collect(10.0) if isinstance(stack, Stack)]
    assert len(stacks) == len(motions)
    for stack in stacks:
        wanted = [round(time_ns / MS) - base for time_ns in stack.motion.wanted_ns]
        for index, shown in enumerate(times_in(stack.pixels)):
            best = min(abs(stamp - wanted[index % 3]) for stamp in sent[names[index // 3]])
            assert abs(shown - wanted[index % 3]) == best
            assert abs(stack.stamps_ns[index] - (base + shown) * MS) < 1000
    for camera, feed in zip(cameras.values(), feeds.values(), strict=True):
        camera.close()
        feed.close()
