"""The ring keeps what it was given: killed, full, crowded, or opened by the wrong program."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ring_steps import HEADER, LAYOUT, step_of

from mentor_common.messages.frames import FrameLayout
from mentor_policy.replay import ReplayDiskFullError, ReplayError, ReplayRing, RingHeader, Step
from mentor_policy.replay.header import read_header
from mentor_policy.replay.records import seal
from mentor_policy.replay.sampler import Sampler


def fill(ring: ReplayRing, episode: int, steps: int) -> None:
    for step in range(steps):
        assert ring.append(step_of(episode, step))


WRITER = """
import sys
sys.path.insert(0, {here!r})
from mentor_policy.replay import ReplayRing
from ring_steps import HEADER, step_of
ring = ReplayRing({folder!r}, HEADER)
episode = ring.latest_episode() + 1
for step in range(10**6):
    ring.append(step_of(episode, step))
    print(episode, step, flush=True)
"""


def test_a_writer_killed_in_the_middle_loses_at_most_the_step_it_was_writing(tmp_path) -> None:
    folder = tmp_path / "ring"
    source = WRITER.format(here=str(Path(__file__).parent), folder=str(folder))
    for turn in range(4):
        writer = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(60 + 97 * turn):  # the later turns go round the ring
            acknowledged = writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
        writer.wait()
        last = next((line for line in reversed(rest) if len(line.split()) == 2), acknowledged)
        episode, step = (int(word) for word in last.split())
        ring = ReplayRing(folder, HEADER)
        assert ring.latest_step(episode) in (step, step + 1)
        assert ring.count - ring.oldest >= min(ring.count, HEADER.slots - 1)
        for number in range(max(ring.oldest + 1, ring.count - 150), ring.count):
            record = ring.records[ring.slot(number)]
            wanted = step_of(int(record["episode"]), int(record["step"]))
            if number - 1 >= ring.oldest:
                assert np.array_equal(ring.observation(number), wanted.obs)
            assert record["reward"] == wanted.reward
        ring.close()


def test_a_torn_record_is_left_out_and_the_ring_goes_on(tmp_path: Path) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    fill(ring, 1, 10)
    size = ring.records.dtype.itemsize
    ring.close()
    with (tmp_path / "steps.bin").open("rb+") as file:
        file.seek(9 * size + 20)
        file.write(b"\xff\xff")
    ring = ReplayRing(tmp_path, HEADER)
    assert (ring.count, ring.latest_step(1)) == (9, 8)
    assert "half written" in ring.damage.records[9], "nothing is left out in silence"
    assert ring.append(step_of(1, 9))
    assert np.array_equal(ring.observation(9), step_of(1, 9).obs)


def test_one_flipped_bit_costs_one_record_and_the_others_stay(tmp_path: Path, caplog) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    for episode in range(1, 9):
        fill(ring, episode, 20)
    record_bytes = ring.records.dtype.itemsize
    ring.close()
    for name, size, number in (("steps.bin", record_bytes, 50), ("frames.bin", 360, 90)):
        with (tmp_path / name).open("rb+") as file:
            file.seek(number * size + 25)
            byte = file.read(1)[0]
            file.seek(number * size + 25)
            file.write(bytes([byte ^ 8]))
    ring = ReplayRing(tmp_path, HEADER)
    assert (ring.count, ring.oldest) == (160, 0)
    numbers = np.arange(160)
    assert list(numbers[~ring.there(numbers)]) == [50, 90] == sorted(ring.damage.records)
    assert "record 50 fails its checksum: it is skipped, the others stay" in caplog.text
    assert "2 records are skipped: 50, 90" in caplog.text
    assert "(episode 5, step 10) has frames that fail" in ring.damage.records[90]
    for number in (49, 52, 89, 92, 159):
        record = ring.records[number]
        wanted = step_of(int(record["episode"]), int(record["step"]))
        assert np.array_equal(ring.observation(number), wanted.obs)
    fill(ring, 9, 20)  # and the ring goes on
    assert ring.count == 180


def test_a_damaged_newest_record_does_not_part_a_ring_from_its_checkpoint(tmp_path: Path) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    fill(ring, 1, 10)
    size = ring.records.dtype.itemsize
    ring.close()
    with (tmp_path / "steps.bin").open("rb+") as file:
        file.seek(9 * size + 20)
        file.write(b"\xff\xff")
    ring = ReplayRing(tmp_path, HEADER)
    ring.truncate(10)
    assert ring.count == 10 and list(ring.damage.records) == [9]
    with pytest.raises(ReplayError, match="do not belong together"):
        ring.truncate(11)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_what_is_not_finite_does_not_enter_the_ring(tmp_path: Path, value: float, caplog) -> None:
    header = RingHeader(LAYOUT, 2, 3, 200, 40)
    ring = ReplayRing(tmp_path, header)
    action, state = np.zeros(2, np.float32), np.zeros(3, np.float32)
    bad_action, bad_state = action + np.float32(value), state + np.float32(value)
    obs = [step_of(1, number).obs for number in range(5)]
    ring.append(Step(1, 0, obs[0], state=state))
    ring.append(Step(1, 1, obs[1], action, value, state=state))
    ring.append(Step(1, 2, obs[2], bad_action, 1.0, state=state))
    ring.append(Step(1, 3, obs[3], action, 1.0, state=bad_state))
    ring.append(Step(1, 4, obs[4], action, 1.0, truncated=True, state=state))
    assert ring.damage.refused == 3 and f"a reward of {value}" in caplog.text
    records = ring.records[:5]
    for name in ("reward", "action", "state"):
        assert np.isfinite(records[name]).all() and (np.abs(records[name]) <= 1e9).all()
    assert [bool(flags & 4) for flags in records["flags"]] == [True, False, False, False, True]
    lengths = Sampler(ring, batch_size=4, n_step=3, gamma=0.9, seed=0).lengths(np.arange(5), 5)
    assert list(lengths) == [0, 0, 0, 0, 0]  # no transition leads into or out of such a step


def test_a_ring_that_holds_what_is_not_finite_skips_it_and_says_so(tmp_path: Path, caplog) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    fill(ring, 1, 10)
    record = ring.records[4:5].copy()
    record["reward"] = np.nan  # as an older release stored it
    with (tmp_path / "steps.bin").open("rb+") as file:
        file.seek(4 * record.dtype.itemsize)
        file.write(seal(record))
    ring.close()
    ring = ReplayRing(tmp_path, HEADER)
    assert list(ring.damage.records) == [4] and "step 4) is not finite" in caplog.text
    batch = Sampler(ring, batch_size=64, n_step=3, gamma=0.9, seed=0).batch(0, ring.count)
    assert bool(batch.reward.isfinite().all())


def test_steps_that_are_there_already_are_not_stored_twice(tmp_path: Path) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    fill(ring, 3, 5)
    ring.close()
    ring = ReplayRing(tmp_path, HEADER)
    assert [ring.append(step_of(3, step)) for step in range(7)] == [False] * 5 + [True] * 2
    assert ring.latest_step(3) == 6 and ring.latest_episode() == 3 and ring.latest_step(4) == -1


def test_after_a_gap_the_older_frames_come_along(tmp_path: Path) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    fill(ring, 3, 3)
    ring.append(step_of(3, 8))
    assert np.array_equal(ring.observation(ring.count - 1), step_of(3, 8).obs)


def test_an_episode_that_another_one_cuts_into_goes_on_with_its_own_frames(tmp_path: Path) -> None:
    ring = ReplayRing(tmp_path / "ring", HEADER)
    fill(ring, 7, 3)
    assert ring.append(Step(2**62, 0, np.zeros(LAYOUT.shape, np.uint8)))
    assert ring.append(step_of(7, 3))
    assert (ring.observation(ring.count - 1) == step_of(7, 3).obs).all()
    ring.close()


def test_going_back_to_an_earlier_count_forgets_what_came_after(tmp_path: Path) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    fill(ring, 1, 215)
    count = ring.count
    kept = [ring.records[ring.slot(n)].tobytes() for n in range(count - 200, count)]
    fill(ring, 2, 30)
    ring.truncate(count)
    ring.close()
    ring = ReplayRing(tmp_path, HEADER)
    assert (ring.count, ring.latest_episode()) == (count, 1)
    assert [ring.records[ring.slot(n)].tobytes() for n in range(count - 200, count)] == kept
    fill(ring, 2, 60)
    with pytest.raises(ReplayError, match="cannot go back"):
        ring.truncate(count)
    with pytest.raises(ReplayError, match="do not belong together"):
        ring.truncate(10**6)


def test_two_writers_on_one_ring_are_refused_but_one_may_look_on(tmp_path: Path) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    fill(ring, 1, 4)
    with pytest.raises(ReplayError, match=f"being written by process {os.getpid()}"):
        ReplayRing(tmp_path, HEADER)
    looking = ReplayRing(tmp_path, writable=False)
    assert looking.count == 4
    ring.close()
    ReplayRing(tmp_path, HEADER).close()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (RingHeader(LAYOUT, 2, 0, 300, 40), "capacity is 200, asked for is 300"),
        (RingHeader(LAYOUT, 3, 0, 200, 40), "action_size is 2, asked for is 3"),
        (RingHeader(FrameLayout(("b",), 2, 12, 12, True), 2, 0, 200, 40), "width is 10.*12"),
    ],
)
def test_a_ring_of_another_shape_is_refused_by_name(tmp_path: Path, other, message) -> None:
    ReplayRing(tmp_path, HEADER).close()
    with pytest.raises(ReplayError, match=message):
        ReplayRing(tmp_path, other)


def test_steps_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    fill(ring, 1, 3)
    good = step_of(1, 3)
    for wrong, message in (
        (Step(1, 3, good.obs[:3], good.action), "observation is"),
        (Step(1, 3, good.obs, np.zeros(5, np.float32)), "action has shape"),
        (Step(1, 3, good.obs, None), "has the action that led to it"),
        (Step(1, 3, good.obs, good.action, state=np.zeros(2, np.float32)), "state has size 2"),
        (Step(1, 3, good.obs[::-1].copy(), good.action), "older frames are not those"),
    ):
        with pytest.raises(ReplayError, match=message):
            ring.append(wrong)
    assert ring.count == 3 and ring.append(good)


def test_lost_files_and_damaged_headers_are_named(tmp_path: Path) -> None:
    ReplayRing(tmp_path, HEADER).close()
    header = json.loads((tmp_path / "ring.json").read_text())
    (tmp_path / "frames.bin").unlink()
    with pytest.raises(ReplayError, match=r"frames\.bin is lost"):
        ReplayRing(tmp_path, HEADER)
    for change in (
        {"capacity": 10**18}, {"spare": -1}, {"action_size": 10**12}, {"state_size": 2**63},
        {"capacity": "many"}, {"capacity": 1e9}, {"layout": {**header["layout"], "width": 10**9}},
    ):  # fmt: skip
        (tmp_path / "ring.json").write_text(json.dumps({**header, **change}))
        with pytest.raises(ReplayError, match=r"ring\.json: replay: .* must be from"):
            ReplayRing(tmp_path, writable=False)
    for text in ("{", "[" * 200_000, "[]", "null"):
        (tmp_path / "ring.json").write_text(text)
        with pytest.raises(ReplayError, match=r"ring\.json is damaged"):
            ReplayRing(tmp_path, HEADER)
    (tmp_path / "ring.json").unlink()
    os.mkfifo(tmp_path / "ring.json")
    with pytest.raises(ReplayError, match="it is no regular file"):
        ReplayRing(tmp_path, HEADER)


def test_no_flipped_bit_of_the_header_changes_what_the_ring_is(tmp_path: Path) -> None:
    ReplayRing(tmp_path, HEADER).close()
    file = tmp_path / "ring.json"
    good = file.read_bytes()
    for bit in range(0, 8 * len(good), 3):
        damaged = bytearray(good)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        try:
            assert read_header(tmp_path) == HEADER, bit
        except ReplayError as error:
            assert "ring.json" in str(error)
    older = json.loads(good)
    del older["checksum"]
    named_otherwise = {**older, "layout": {**older["layout"], "sliding": True}}
    del named_otherwise["layout"]["stacked"]
    file.write_text(json.dumps(named_otherwise))
    with pytest.raises(ReplayError, match=r"of an older version of this program.*'sliding'"):
        read_header(tmp_path)
    file.write_text(json.dumps(older))
    assert read_header(tmp_path) == HEADER


def test_a_disk_that_fills_up_is_said_and_costs_nothing(tmp_path: Path, monkeypatch) -> None:
    ring = ReplayRing(tmp_path, HEADER)
    fill(ring, 1, 5)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(ReplayDiskFullError, match="no space left for record 5"):
            ring.append(step_of(1, 5))
    write = os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda file, data, at: write(file, bytes(data)[:20], at))
        with pytest.raises(ReplayDiskFullError, match="no space left for record 5"):
            ring.append(step_of(1, 5))
    ring.close()
    ring = ReplayRing(tmp_path, HEADER)
    assert ring.count == 5
    assert ring.append(step_of(1, 5))


def test_a_ring_larger_than_the_disk_is_refused_before_it_begins(tmp_path: Path) -> None:
    huge = RingHeader(FrameLayout(("a",), 2, 2000, 2000, True), 2, 0, 10**7, 40)
    with pytest.raises(ReplayDiskFullError, match=r"GB free. Lower the ring's capacity"):
        ReplayRing(tmp_path, huge)
    assert not (tmp_path / "ring.json").exists()


def test_a_million_transitions_of_one_camera_fit_in_22_gigabytes() -> None:
    from mentor_policy.replay.frame_store import frame_bytes
    from mentor_policy.replay.records import record_dtype

    one = frame_bytes(FrameLayout(("a",), 3, 84, 84, True)) + record_dtype(7, 0).itemsize
    assert one * 1_022_000 < 22e9  # with the spare records and one more an episode
