"""Steps go from a ring to a bag and back, and a run may begin with those of others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ring_steps import HEADER, step_of

from mentor_common.bags.reader import Bag
from mentor_common.messages.frames import FrameLayout
from mentor_policy.__main__ import main
from mentor_policy.replay import ReplayRing, RingHeader, Step
from mentor_policy.replay.bag_steps import bag_steps


@pytest.mark.parametrize(("stacked", "state_size"), [(True, 0), (False, 3)])
def test_a_ring_becomes_a_bag_and_a_ring_again(
    tmp_path: Path, stacked: bool, state_size: int
) -> None:
    layout = FrameLayout(("side",), 3, 8, 8, stacked)
    ring = ReplayRing(tmp_path / "ring", RingHeader(layout, 2, state_size, 100, 10))
    random = np.random.default_rng(3)
    for episode in range(2):
        frames = [random.integers(0, 255, (3, 8, 8), np.uint8)] * 3
        for step in range(5):
            if step and stacked:
                frames = [*frames[1:], random.integers(0, 255, (3, 8, 8), np.uint8)]
            elif step:
                frames = [random.integers(0, 255, (3, 8, 8), np.uint8) for _ in range(3)]
            ring.append(
                Step(
                    episode, step, np.concatenate(frames),
                    random.uniform(-1, 1, 2).astype(np.float32) if step else None,
                    float(random.normal()) if step else 0.0,
                    terminated=step == 4 and episode == 0, truncated=step == 4 and episode == 1,
                    valid=not (step == 4 and episode == 1), success=step > 2,
                    state=random.normal(size=3).astype(np.float32) if state_size else None,
                )
            )  # fmt: skip
    ring.close()
    sizes = ["--capacity", "100", "--spare", "10"]
    assert main(["bag-from-ring", str(tmp_path / "ring"), str(tmp_path / "bag")]) == 0
    assert main(["ring-from-bag", str(tmp_path / "bag"), str(tmp_path / "again"), *sizes]) == 0
    first = ReplayRing(tmp_path / "ring", writable=False)
    second = ReplayRing(tmp_path / "again", writable=False)
    assert first.header == second.header
    count = first.count
    # Step 0 of the ring that was written here is valid, as in a run.
    assert first.records[:count].tobytes() == second.records[:count].tobytes()
    for number in range(count):
        assert np.array_equal(first.observation(number), second.observation(number))


def test_a_damaged_record_is_no_step_of_the_bag_and_a_ring_is_not_added_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, bag, other = tmp_path / "ring", tmp_path / "bag", tmp_path / "other"
    ring = ReplayRing(folder, HEADER)
    for step in range(6):
        ring.append(step_of(3, step))
    ring.close()
    data = bytearray((folder / "steps.bin").read_bytes())
    data[2 * ring.records.itemsize + 30] ^= 1  # of record 2
    (folder / "steps.bin").write_bytes(data)
    assert main(["bag-from-ring", str(folder), str(bag)]) == 0
    assert "bag: 5 steps" in capsys.readouterr().out
    assert {step.episode for step in bag_steps(Bag(bag))} == {0}
    convert = ["ring-from-bag", str(bag), str(other), "--capacity", "100", "--spare", "10"]
    assert main(convert) == 0
    kept = (other / "steps.bin").read_bytes()
    assert main(convert) == 2
    assert "holds a replay ring already; name another folder" in capsys.readouterr().err
    assert (other / "steps.bin").read_bytes() == kept


def test_episodes_are_numbered_on_from_bag_to_bag(tmp_path: Path) -> None:
    layout = FrameLayout(("side",), 1, 8, 8, False)
    ring = ReplayRing(tmp_path / "ring", RingHeader(layout, 1, 0, 100, 10))
    pixels = np.zeros((3, 8, 8), np.uint8)
    for episode in (4, 9):
        ring.append(Step(episode, 0, pixels))
        ring.append(Step(episode, 1, pixels, np.zeros(1, np.float32), 1.0, truncated=True))
    ring.close()
    assert main(["bag-from-ring", str(tmp_path / "ring"), str(tmp_path / "bag")]) == 0
    bag = Bag(tmp_path / "bag")
    assert [(s.episode, s.step) for s in bag_steps(bag)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [s.episode for s in bag_steps(bag, 7)] == [7, 7, 8, 8]


def test_a_new_run_learns_from_bags_before_its_first_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [
        "--env", "point_env:mentor-test/point-v0", "--agent", "drqv2", "train.seed_frames=20",
        "train.eval_episodes=1", "train.video=false", "train.batch_size=8", "agent.feature_dim=8",
        "agent.hidden_dim=16",
    ]  # fmt: skip
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(["train", "--run-dir", str(first), *common, "train.frames=40"]) == 0
    assert main(["bag-from-ring", str(first / "replay"), str(tmp_path / "bag")]) == 0
    bags = ["--bags", str(tmp_path / "bag"), "--offline-updates", "5"]
    assert main(["train", *bags, "--run-dir", str(second), *common, "train.frames=30"]) == 0
    old = ReplayRing(first / "replay", writable=False)
    new = ReplayRing(second / "replay", writable=False)
    assert np.array_equal(new.records["reward"][: old.count], old.records["reward"][: old.count])
    assert new.count > old.count and new.latest_episode() > old.latest_episode()
    summary = json.loads((second / "summary.json").read_text())
    alone = json.loads((first / "summary.json").read_text())
    assert (summary["step"], summary["frames"]) == (30, 30)
    assert summary["updates"] == 5 + alone["updates"] - 10 // 2
