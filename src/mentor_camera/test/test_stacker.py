"""The stack holds exactly the frames that stand for a motion's start, midpoint and end."""

from __future__ import annotations

import random

import numpy as np
import pytest
from clockface import MS, clock_image, times_in

from mentor_camera.stacking.stacker import MissingFrames, MotionTimes, Stack, Stacker
from mentor_common.messages.frames import FrameLayout

CAMERAS = ("side", "slot_1", "slot_2")


def make_stacker(cameras: tuple[str, ...] = CAMERAS, **options: float) -> Stacker:
    return Stacker(FrameLayout(cameras, 3, 84, 84, stacked=False), **options)


def feed(stacker: Stacker, times_ms: list[int], camera: str | None = None) -> None:
    for time in times_ms:
        for name in stacker.rings if camera is None else (camera,):
            stacker.add_image(name, time * MS, clock_image(time * MS))


def motion(begin_ms: int, end_ms: int, step: int = 1, episode: int = 7) -> MotionTimes:
    return MotionTimes(episode, step, begin_ms * MS, end_ms * MS)


def only_stack(stacker: Stacker, now: float) -> Stack:
    (result,) = stacker.collect(now)
    assert isinstance(result, Stack), result
    return result


def test_in_lockstep_the_frames_at_begin_midpoint_and_end_are_taken_at_once():
    stacker = make_stacker()
    stacker.add_motion(motion(1000, 1500), now=0.0)
    feed(stacker, [1000, 1250])
    assert stacker.collect(0.0) == []
    feed(stacker, [1500])
    stack = only_stack(stacker, 0.0)
    assert times_in(stack.pixels) == [1000, 1250, 1500] * 3
    assert stack.stamps_ns == (1000 * MS, 1250 * MS, 1500 * MS) * 3
    assert stack.pixels.shape == (27, 84, 84) and stack.pixels.flags.c_contiguous


def test_cameras_are_outermost_then_frames_then_colour_planes():
    stacker = make_stacker(("a", "b"))
    for index, name in enumerate(("b", "a")):
        for time in (0, 50, 100):
            image = np.zeros((84, 84, 3), np.uint8)
            image[:] = (10 * index, time, 200)
            stacker.add_image(name, time * MS, image)
    stacker.add_motion(motion(0, 100), now=0.0)
    pixels = only_stack(stacker, 0.0).pixels
    assert [int(plane[0, 0]) for plane in pixels] == [
        *(10, 0, 200, 10, 50, 200, 10, 100, 200),
        *(0, 0, 200, 0, 50, 200, 0, 100, 200),
    ]


def test_frames_are_resized_by_area_whatever_size_the_camera_sends():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (168, 252, 3), dtype=np.uint8)
    means = image.reshape(84, 2, 84, 3, 3).mean(axis=(1, 3))
    stacker = make_stacker(("a",))
    for time in (0, 50, 100):
        stacker.add_image("a", time * MS, image)
    stacker.add_motion(motion(0, 100), now=0.0)
    frame = only_stack(stacker, 0.0).pixels[:3].transpose(1, 2, 0)
    assert np.abs(frame - means).max() <= 0.51


@pytest.mark.parametrize("seed", range(20))
def test_with_jitter_each_frame_is_the_nearest_of_all_that_were_sent(seed):
    rng = random.Random(seed)
    stacker = make_stacker()
    sent: dict[str, list[int]] = {}
    for name in CAMERAS:
        phase = rng.randrange(33)
        sent[name] = [phase + 33 * i + rng.randrange(-8, 9) for i in range(1, 60)]
        feed(stacker, sent[name], name)
    begin = rng.randrange(300, 900)
    wanted = (begin, begin + 250, begin + 500)
    stacker.add_motion(motion(begin, begin + 500), now=0.0)
    assert stacker.collect(0.0) or stacker.collect(0.11), "settled after the gap wait at latest"
    again = make_stacker()
    for name in CAMERAS:
        feed(again, sent[name], name)
    again.add_motion(motion(begin, begin + 500), now=0.0)
    result = (again.collect(0.0) or again.collect(0.11))[0]
    assert isinstance(result, Stack)
    for index, time in enumerate(times_in(result.pixels)):
        camera, want = CAMERAS[index // 3], wanted[index % 3]
        assert abs(time - want) == min(abs(t - want) for t in sent[camera])


def test_the_frame_after_the_end_is_waited_for_because_it_may_be_the_nearer_one():
    stacker = make_stacker()
    feed(stacker, list(range(0, 500, 33)))  # the last frame stands at 495
    stacker.add_motion(motion(10, 510), now=0.0)
    assert stacker.collect(0.02) == []
    feed(stacker, [515])
    assert times_in(only_stack(stacker, 0.03).pixels)[2] == 515


def test_a_late_frame_that_arrives_out_of_order_is_used():
    stacker = make_stacker()
    feed(stacker, [t for t in range(0, 700, 33) if t != 264])
    stacker.add_motion(motion(0, 528), now=0.0)  # the midpoint is at 264
    assert stacker.collect(0.05) == [], "a frame is missing from the gap: it may come yet"
    feed(stacker, [264])
    stack = only_stack(stacker, 0.06)
    assert times_in(stack.pixels) == [0, 264, 528] * 3
    assert not stack.late
    assert stacker.rings["side"].out_of_order == 1


def test_a_dropped_frame_is_replaced_by_its_nearest_neighbour_after_a_short_wait():
    stacker = make_stacker()
    feed(stacker, [t for t in range(0, 700, 33) if t != 264])
    stacker.add_motion(motion(1, 531), now=0.0)  # the midpoint is at 266, 297 is nearer than 231
    assert stacker.collect(0.05) == []
    assert stacker.collect(0.06) == []
    stack = only_stack(stacker, 0.16)
    assert times_in(stack.pixels) == [0, 297, 528] * 3
    assert stack.late and stack.worst_offset_s == pytest.approx(0.031)


def test_a_dropped_frame_in_lockstep_is_a_failure_and_never_another_frame():
    stacker = make_stacker()
    feed(stacker, [1000, 1250, 1500])
    feed(stacker, [1750], "side")
    feed(stacker, [1750], "slot_1")
    feed(stacker, [2000])
    stacker.add_motion(motion(1500, 2000), now=0.0)
    assert stacker.collect(0.9) == []
    (missing,) = stacker.collect(1.0)
    assert isinstance(missing, MissingFrames)
    assert "camera 'slot_2'" in missing.reason and "midpoint" in missing.reason


def test_a_camera_that_stops_fails_the_step_in_bounded_time_and_is_named():
    stacker = make_stacker()
    feed(stacker, list(range(0, 1000, 33)))
    for name in ("side", "slot_2"):
        feed(stacker, list(range(1000, 2000, 33)), name)
    stacker.add_motion(motion(1200, 1700), now=10.0)
    assert stacker.collect(10.99) == []
    (missing,) = stacker.collect(11.0)
    assert isinstance(missing, MissingFrames)
    assert "camera 'slot_1'" in missing.reason and "0.710 s before the end" in missing.reason


def test_a_camera_that_never_sent_a_frame_is_named():
    stacker = make_stacker()
    feed(stacker, [0, 250, 500], "side")
    feed(stacker, [0, 250, 500], "slot_2")
    stacker.add_motion(motion(0, 500), now=0.0)
    (missing,) = stacker.collect(1.0)
    assert isinstance(missing, MissingFrames)
    assert missing.reason == "camera 'slot_1' has sent no frame"
    assert not missing.before_first_frame


def test_a_motion_from_before_the_first_frame_is_told_apart():
    stacker = make_stacker()
    feed(stacker, [9000, 9250, 9500])
    stacker.add_motion(motion(0, 500), now=0.0)
    (missing,) = stacker.collect(1.0)
    assert isinstance(missing, MissingFrames) and missing.before_first_frame


def test_a_step_without_frames_does_not_hold_up_the_next():
    stacker = make_stacker()
    feed(stacker, [0, 250, 500, 1000, 1250, 1500])
    stacker.add_motion(motion(500, 1000, step=1), now=0.0)
    stacker.add_motion(motion(1000, 1500, step=2), now=0.1)
    stack = only_stack(stacker, 0.1)
    assert stack.motion.step == 2
    assert [m.step for m in stacker.pending] == [1]


def test_two_motions_in_a_row_get_each_their_own_frames():
    stacker = make_stacker()
    stacker.add_motion(motion(0, 500, step=1), now=0.0)
    stacker.add_motion(motion(500, 1000, step=2), now=0.0)
    feed(stacker, [0, 250, 500, 750, 1000])
    first, second = stacker.collect(0.0)
    assert isinstance(first, Stack) and isinstance(second, Stack)
    assert times_in(first.pixels)[:3] == [0, 250, 500]
    assert times_in(second.pixels)[:3] == [500, 750, 1000]


def test_a_motion_told_twice_makes_one_observation():
    stacker = make_stacker()
    feed(stacker, [0, 250, 500])
    assert stacker.add_motion(motion(0, 500), now=0.0)
    assert not stacker.add_motion(motion(0, 500), now=0.0)
    assert len(stacker.collect(0.0)) == 1
    assert not stacker.add_motion(motion(0, 500), now=0.1)
    assert stacker.collect(5.0) == []


def test_a_frame_told_twice_is_counted_and_kept_once():
    stacker = make_stacker(("a",))
    stacker.add_image("a", 5 * MS, clock_image(5 * MS))
    assert not stacker.add_image("a", 5 * MS, clock_image(9 * MS))
    assert stacker.rings["a"].duplicates == 1 and len(stacker.rings["a"]) == 1


def test_a_motion_that_stands_still_gets_three_times_the_same_frame():
    stacker = make_stacker()
    feed(stacker, [100, 133, 166])
    stacker.add_motion(motion(133, 133, step=0), now=0.0)
    assert times_in(only_stack(stacker, 0.0).pixels) == [133] * 9


def test_memory_is_bounded_by_the_depth_of_the_ring():
    stacker = make_stacker(("a",), depth=8)
    feed(stacker, list(range(0, 3300, 33)))
    ring = stacker.rings["a"]
    assert len(ring) == 8 and ring.oldest_ns == (3267 - 7 * 33) * MS


def test_a_clock_set_back_starts_the_ring_anew():
    stacker = make_stacker(("a",))
    feed(stacker, [60_000, 60_250, 60_500])
    feed(stacker, [0, 250, 500])
    stacker.add_motion(motion(0, 500, episode=8), now=0.0)
    assert times_in(only_stack(stacker, 0.0).pixels) == [0, 250, 500]
    assert stacker.rings["a"].newest_ns == 500 * MS and stacker.rings["a"].restarts == 1


def test_a_motion_that_ends_before_it_begins_is_refused_by_name():
    with pytest.raises(ValueError, match="episode 7 step 1: end 0 ns is before the start"):
        make_stacker().add_motion(motion(500, 0), now=0.0)


def test_an_unknown_camera_is_refused_and_the_known_ones_are_named():
    with pytest.raises(KeyError, match="no camera 'wrist'; known: side, slot_1, slot_2"):
        make_stacker().add_image("wrist", 0, clock_image(0))


@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_order_of_arrival_the_nearest_frames_within_reach_are_taken(seed):
    """Jitter, drops, duplicates and shuffling at once, against the rule written out plainly."""
    rng = random.Random(seed)
    stacker = make_stacker()
    sent = {
        name: [33 * i + rng.randrange(-6, 7) for i in range(1, 90) if rng.random() > 0.1]
        for name in CAMERAS
    }
    arrivals = [(t + rng.randrange(0, 60), t, name) for name in CAMERAS for t in sent[name]]
    arrivals += rng.sample(arrivals, 20)
    motions = [motion(b, b + 500, step=i + 1) for i, b in enumerate(range(200, 2200, 500))]
    events = sorted([(a, t, name) for a, t, name in arrivals])
    stacks: dict[int, Stack | MissingFrames] = {}
    told = list(motions)
    for now, time, name in events:
        while told and told[0].end_ns <= now * MS:
            stacker.add_motion(told.pop(0), now / 1e3)
        feed(stacker, [time], name)
        for result in stacker.collect(now / 1e3):
            stacks[result.motion.step] = result
    for result in stacker.collect(60.0):
        stacks[result.motion.step] = result
    for m in motions:
        stack = stacks[m.step]
        assert isinstance(stack, Stack), stack
        for index, time in enumerate(times_in(stack.pixels)):
            want = m.wanted_ns[index % 3] // MS
            best = min(abs(t - want) for t in sent[CAMERAS[index // 3]])
            assert abs(time - want) == best
