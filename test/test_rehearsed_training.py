"""Training in the rehearsed cell goes on through every fault, and learns from none of them."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from policy_process import PolicyProcess
from rehearsed_cell import RehearsedCell, rehearsed
from rehearsed_faults import AWAY, FAULTS

from mentor_policy.replay import ReplayRing
from mentor_policy.replay.header import ReplayError
from mentor_policy.replay.records import VALID
from mentor_policy.replay.sampler import Sampler

pytestmark = [pytest.mark.real_time, pytest.mark.soak, pytest.mark.timeout(7200)]
N_STEP = 3
MORE = 3  # steps after a fault's end that are to be learned from


class Training:
    """A policy node that learns in a rehearsed cell, and its replay."""

    def __init__(self, cell: RehearsedCell, folder: Path) -> None:
        self.cell, self.folder = cell, folder
        self.start()

    def start(self) -> None:
        self.node = PolicyProcess(
            "policy", "/", run_dir=self.folder, preset="cable_routing", progress_period=2.0,
            overrides="train.seed_frames=20",
        )  # fmt: skip

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Return episode and validity of every record so far."""
        try:
            ring = ReplayRing(self.folder / "replay", writable=False)
        except (OSError, ReplayError):  # it is not there yet, or just being made
            return np.zeros(0, np.uint64), np.zeros(0, bool)
        rows = [ring.records[ring.slot(number)] for number in range(ring.oldest, ring.count)]
        ring.close()
        episodes = np.array([row["episode"] for row in rows], np.uint64)
        return episodes, np.array([row["flags"] & VALID != 0 for row in rows], bool)

    def wait(self, done: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + 150.0
        while not done():
            assert time.monotonic() < until, f"{what}:\n{self.node.output}\n{self.cell.text()}"
            assert self.node.process.poll() is None, self.node.output
            time.sleep(0.3)

    def goes_on(self) -> None:
        """Wait until an episode that is newer than now has steps to be learned from."""
        before = set(self.steps()[0].tolist())

        def more() -> bool:
            episodes, valid = self.steps()
            newer = [e for e, good in zip(episodes.tolist(), valid, strict=True) if good]
            return sum(e not in before for e in newer) > MORE

        self.wait(more, "no new episode")

    def updates(self) -> int:
        """Return the updates until the last finished episode."""
        with (self.folder / "train.csv").open() as file:
            return max((int(row["updates"]) for row in csv.DictReader(file)), default=0)

    def check(self) -> int:
        """Check that no sample holds a step that is not valid; return how many there were."""
        ring = ReplayRing(self.folder / "replay", writable=False)
        sampler = Sampler(ring, batch_size=8, n_step=N_STEP, gamma=0.99, seed=0)
        numbers = np.arange(ring.oldest, ring.count)
        lengths = sampler.lengths(numbers, ring.count)
        bad = 0
        for number, length in zip(numbers.tolist(), lengths.tolist(), strict=True):
            rows = [ring.records[ring.slot(number + ahead)] for ahead in range(1, length + 1)]
            assert all(row["flags"] & VALID for row in rows)
            bad += not ring.records[ring.slot(number)]["flags"] & VALID
        ring.close()
        return bad


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Training]:
    for cell in rehearsed("fci", tmp_path):
        cell.wait_until_whole()
        cell.env.close()
        training = Training(cell, tmp_path / "run")
        try:
            yield training
        finally:
            with training.node:
                pass


@pytest.mark.parametrize("times", [1, 10])
def test_training_goes_on_through_every_fault_and_its_own_death(
    training: Training, times: int
) -> None:
    cell = training.cell
    training.goes_on()
    for number in range(times):
        for fault in FAULTS:
            others = cell.others(fault.started)
            fault.cause(cell)
            time.sleep(3.0)
            fault.end(cell)
            training.goes_on()
            assert cell.others(fault.started) == others, "a node was started again"
            print(number, fault.name, training.updates(), flush=True)
        training.node.kill()
        since = len(cell.text())
        time.sleep(AWAY)
        assert cell.stands() and re.search("nobody publishes /action", cell.text()[since:])
        training.start()
        training.goes_on()
        assert "resumes run in" in training.node.output
        print(number, "policy killed", flush=True)
    assert training.updates() > 0 and training.check() >= times
