"""The stacker as a process, over real DDS."""

from __future__ import annotations

import random
import time

import pytest
from builtin_interfaces.msg import Time
from clockface import MS, clock_image, times_in
from fake_cell import CAMERAS, FakeCell
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from task_node import task_node

from mentor_common.messages.experience import observation_pixels, time_to_nanoseconds
from mentor_common.messages.images import array_to_image
from mentor_common.messages.qos import reliable, transient_local
from mentor_msgs.msg import Motion, Observation

ERROR = 2


@pytest.fixture(scope="module")
def cell():
    """A fake cell and one stacker for the whole file; every test uses an episode of its own."""
    fake = FakeCell()
    try:
        with task_node(
            "mentor_camera.nodes.stacker_node", frame_timeout=0.5, max_age=0.0, max_future=0.0
        ):
            fake.wait_for_stacker()
            fake.exchange()
            yield fake
    finally:
        fake.close()


def test_an_observation_holds_the_frames_at_begin_midpoint_and_end_with_their_stamps(cell):
    cell.images(10_000, 10_250, 10_500)
    cell.motion(1, 1, 10_000, 10_500)
    message = cell.observation(1, 1)
    assert times_in(observation_pixels(message)) == [10_000, 10_250, 10_500] * 3
    assert [time_to_nanoseconds(s) // MS for s in message.stamps] == [10_000, 10_250, 10_500] * 3
    assert list(message.cameras) == list(CAMERAS)
    assert (message.frames, message.height, message.width) == (3, 84, 84)
    assert time_to_nanoseconds(message.header.stamp) == 10_500 * MS
    assert message.header.frame_id == "cable_routing"


@pytest.mark.real_time
def test_with_jitter_and_lost_frames_every_step_of_an_episode_has_its_nearest_frames(cell):
    rng = random.Random(0)
    sent: dict[str, list[int]] = {name: [] for name in CAMERAS}
    motions = [(20_000 + 400 * k, 20_400 + 400 * k) for k in range(5)]
    for tick in range(19_900 // 33, 22_200 // 33):
        for name in CAMERAS:
            if rng.random() > 0.08:
                stamp = tick * 33 + rng.randrange(-5, 6)
                sent[name].append(stamp)
                cell.image(name, stamp)
        time.sleep(0.003)
        while motions and motions[0][1] < tick * 33:
            begin, end = motions.pop(0)
            cell.motion(2, (begin - 20_000) // 400 + 1, begin, end)
    for step in range(1, 6):
        begin = 20_000 + 400 * (step - 1)
        times = times_in(observation_pixels(cell.observation(2, step)))
        for index, stamp in enumerate(times):
            wanted = begin + 200 * (index % 3)
            best = min(abs(t - wanted) for t in sent[CAMERAS[index // 3]])
            assert abs(stamp - wanted) == best


def test_two_motions_in_a_row_and_a_repeated_one_make_two_observations(cell):
    before = cell.received
    cell.motion(3, 1, 30_000, 30_500)
    cell.motion(3, 2, 30_500, 31_000)
    cell.motion(3, 1, 30_000, 30_500)
    cell.images(30_000, 30_250, 30_500, 30_750, 31_000)
    assert times_in(observation_pixels(cell.observation(3, 1)))[:3] == [30_000, 30_250, 30_500]
    assert times_in(observation_pixels(cell.observation(3, 2)))[:3] == [30_500, 30_750, 31_000]
    time.sleep(0.3)
    assert cell.received == before + 2


def test_a_camera_that_stops_is_named_as_an_error_and_the_next_episode_goes_on(cell):
    cell.images(40_000, 40_250, 40_500, cameras=("side", "slot_1"))
    cell.image("slot_2", 40_000)
    cell.motion(4, 1, 40_000, 40_500)

    def told() -> bool:
        return any(
            level == ERROR and "episode 4 step 1" in text and "camera 'slot_2'" in text
            for level, text in cell.diagnostics
        )

    assert cell.wait(told, 60.0)
    assert (4, 1) not in cell.observations
    cell.images(50_000)
    cell.motion(5, 0, 50_000, 50_000)
    assert times_in(observation_pixels(cell.observation(5, 0))) == [50_000] * 9
    cell.diagnostics.clear()
    assert cell.wait(lambda: any(level < ERROR for level, _ in cell.diagnostics), 60.0)


def test_unreadable_images_are_an_error_and_no_frames(cell):
    from sensor_msgs.msg import Image

    bad = Image(height=10, width=10, step=30, encoding="rgb8")
    cell.diagnostics.clear()
    cell._images["side"].publish(bad)
    assert cell.wait(
        lambda: any("camera 'side': image data holds 0" in text for _, text in cell.diagnostics),
        60.0,
    )


def test_ros2_topic_echo_shows_no_old_observation(cell):
    """It asks for what all publishers offer, and shows the first message that comes."""
    for number in range(3):
        cell.images(90_000 + number)
        cell.motion(10, number, 90_000 + number, 90_000 + number)
        cell.observation(10, number)
    offers = [info.qos_profile for info in cell.node.get_publishers_info_by_topic("/observation")]
    assert all(offer.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
    latched = all(offer.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
    qos = transient_local(5) if latched else reliable(5)
    shown: list[Observation] = []
    made = cell.node.create_subscription(Observation, "/observation", shown.append, qos)
    assert cell.wait(lambda: made.get_publisher_count() > 1, 60.0)
    time.sleep(0.3)
    cell.images(91_000)
    cell.motion(10, 3, 91_000, 91_000)
    assert cell.wait(lambda: bool(shown), 60.0)
    cell.node.destroy_subscription(made)
    assert (shown[0].episode, shown[0].step) == (10, 3)


def test_motions_of_a_stranger_are_named_once_a_second_however_many_come(cell):
    began = time.monotonic()
    for step in range(100):
        cell.motion(6, step, 60_000, 59_000)  # it ends before it begins
        cell.motion(7, step, 70_000, 70_500)  # and of this one there are no frames
        time.sleep(0.005)
    assert cell.wait(lambda: any("no observation" in line for line in cell.log), 60.0)
    time.sleep(0.3)
    for text in ("before the start", "no observation"):
        named = [line for line in cell.log if text in line]
        assert 1 <= len(named) <= 2 + time.monotonic() - began, named
    cell.motion(7, 100, 1_000, 1_500)  # a warning beside these errors
    assert cell.wait(lambda: any("before this node was active" in one for one in cell.log), 60.0)


def test_stamps_that_are_none_make_no_observation_and_end_no_node(cell):
    """With 2^31 - 1 seconds and four more in nanoseconds, a time cannot be sent on."""
    latest = Time(sec=2**31 - 1, nanosec=2**32 - 1)
    for camera in CAMERAS:
        image = array_to_image(clock_image(0, 8, 8), "rgb8", latest, camera)
        cell._images[camera].publish(image)
    cell._motions.publish(Motion(episode=8, step=0, begin=latest, end=latest))
    why = "with 4294967295 nanoseconds, must be"
    assert cell.wait(lambda: any(why in text for _, text in cell.diagnostics), 60.0)
    cell.images(80_000)
    cell.motion(9, 0, 80_000, 80_000)
    assert times_in(observation_pixels(cell.observation(9, 0))) == [80_000] * 9
    assert (8, 0) not in cell.observations
