"""One seed, one result: two runs, and a run killed with -9 and resumed, are the same bits."""

import hashlib
import os
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from forked import ForkedProcess

from mentor_policy.__main__ import main
from mentor_policy.replay import ReplayRing
from mentor_policy.training.csv_log import read_csv

HERE = Path(__file__).parent
SETTINGS = [
    "agent.hidden_dim=16", "agent.experts=4", "agent.top_k=2", "agent.expert_dim=8",
    "agent.feature_dim=8", "agent.precision=float32", "agent.explore_steps=30",
    "agent.perturb_frames=50", "agent.dormant_every=5", "train.frames=190", "train.seed_frames=40",
    "train.batch_size=8", "train.update_every=2", "train.threads=1", "train.eval_every_frames=100",
    "train.eval_episodes=1", "train.checkpoint_every_frames=70", "train.keep_checkpoints=10",
    "train.replay_capacity=110", "train.video=false", "train.log_every_frames=20", "env.delay=0.02",
]  # fmt: skip
# 110 records: the ring goes round, and resuming needs its spare ones.
# A step lasts 20 ms: between two checkpoints there is time to send a signal.


def words(folder: Path, *overrides: str, options: tuple[str, ...] = ()) -> list[str]:
    return [
        "train", "--env", "point_env:mentor-test/point-v0", "--preset", "robot",
        "--run-dir", str(folder), *options, *SETTINGS, *overrides,
    ]  # fmt: skip


def start(folder: Path, *overrides: str, options: tuple[str, ...] = ()) -> ForkedProcess:
    handle, name = tempfile.mkstemp(".txt", dir=folder.parent)
    os.close(handle)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    arguments = words(folder, *overrides, options=options)
    return ForkedProcess("mentor_policy.__main__", arguments, Path(name), environment, [str(HERE)])


def finish(run: ForkedProcess, code: int = 0) -> str:
    status, output = run.wait(240), run.output.read_text()
    assert status == code, output
    return output


def bits(folder: Path, name: str = "000000190") -> dict[str, str]:
    """SHA-256 of a checkpoint's files."""
    files = sorted((folder / "checkpoints" / name).iterdir())
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def wait_for_checkpoint(folder: Path, step: int, run: ForkedProcess) -> None:
    until = time.monotonic() + 200
    while not (folder / "checkpoints" / f"{step:09d}").exists():
        assert run.poll() is None and time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nothing interrupts, in this process."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(words(folder)) == 0
    return folder


def test_two_runs_with_one_seed_give_the_same_bits_and_another_seed_others(
    whole: Path, tmp_path: Path
) -> None:
    again = start(tmp_path / "again")
    assert main(words(tmp_path / "other", "train.seed=1")) == 0
    finish(again)
    assert bits(tmp_path / "again") == bits(whole)
    same, other = bits(whole), bits(tmp_path / "other")
    assert same["agent.safetensors"] != other["agent.safetensors"]


def test_a_run_killed_with_9_then_interrupted_and_resumed_gives_the_bits_of_one_run(
    whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    run = start(folder)
    wait_for_checkpoint(folder, 70, run)  # in the middle of an episode
    time.sleep(0.3)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not (folder / "checkpoints" / "000000140").exists()
    run = start(folder)
    wait_for_checkpoint(folder, 140, run)  # at the end of one
    run.send_signal(signal.SIGINT)  # Ctrl-C
    assert "interrupted; the same command continues" in finish(run, 130)
    assert "resuming run" in finish(start(folder))
    assert bits(folder) == bits(whole)
    for name in ("train.csv", "eval.csv"):
        one, other = read_csv(folder / name), read_csv(whole / name)
        assert one["step"] == other["step"]
    rings = [ReplayRing(path / "replay", writable=False) for path in (folder, whole)]
    assert rings[0].count == rings[1].count
    for number in range(rings[0].count - 110, rings[0].count):
        one, other = (ring.records[ring.slot(number)].tobytes() for ring in rings)
        assert one == other
        pixels = [ring.observation(number) for ring in rings]
        assert np.array_equal(*pixels)
