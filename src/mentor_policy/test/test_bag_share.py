"""A share of every batch comes from bags, the rest from what the run itself has seen."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import COMMAND, trainer_of
from test_resume import bits, finish, start, wait_for_checkpoint, words

from mentor_common.messages.frames import FrameLayout
from mentor_policy.__main__ import main
from mentor_policy.replay import ReplayError, ReplayRing, RingHeader, Step
from mentor_policy.replay.bag_steps import BagSteps
from mentor_policy.replay.sampler import Sampler
from mentor_policy.replay.shared_sampler import SharedSampler
from mentor_policy.training.begin_with_bags import begin_with_bags

LAYOUT = FrameLayout(("side",), 2, 8, 8, True)
OWN, BAGS = 10.0, 20.0
"""Rewards by which the test knows where a transition comes from."""


def ring_of(folder: Path, reward: float, steps: int) -> ReplayRing:
    """A ring with an episode; each step has the reward, and a frame of its own."""
    ring = ReplayRing(folder, RingHeader(LAYOUT, 1, 0, 100, 10))
    frames = [np.full((3, 8, 8), reward, np.uint8)] * 2
    for step in range(steps):
        ring.append(
            Step(0, step, np.concatenate(frames), np.ones(1, np.float32) if step else None, reward)
        )
        frames = [frames[1], frames[1] + 1]
    return ring


def sampler(ring: ReplayRing, *seed: int) -> Sampler:
    return Sampler(ring, batch_size=10, n_step=1, gamma=0.9, seed=seed)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.33, 3), (0.01, 1), (1.0, 10)])
def test_the_share_of_every_batch_is_of_the_bags(
    tmp_path: Path, share: float, expected: int
) -> None:
    own, bags = ring_of(tmp_path / "own", OWN, 30), ring_of(tmp_path / "bags", BAGS, 20)
    shared = SharedSampler(sampler(own, 3), sampler(bags, 3, 1), share)
    for update in range(20):
        batch = shared.batch(update, own.count)
        assert batch.reward.flatten().tolist() == [OWN] * (10 - expected) + [BAGS] * expected
        assert batch.obs.shape == (10, 6, 8, 8)
        assert batch.obs.is_contiguous(memory_format=torch.channels_last)
        first = (batch.obs[:, 0, 0, 0] >= BAGS).tolist()
        assert sum(first[10 - expected :]) == expected
        again = shared.batch(update, own.count)
        assert all(torch.equal(t, again.tensors()[name]) for name, t in batch.tensors().items())


def test_until_the_run_has_a_transition_the_whole_batch_is_of_the_bags(tmp_path: Path) -> None:
    own, bags = ring_of(tmp_path / "own", OWN, 5), ring_of(tmp_path / "bags", BAGS, 20)
    shared = SharedSampler(sampler(own, 3), sampler(bags, 3, 1), 0.5)
    assert shared.batch(0, 1).reward.flatten().tolist() == [BAGS] * 10
    assert shared.batch(0, 5).reward.flatten().tolist() == [OWN] * 5 + [BAGS] * 5


def train(folder: Path, *options: str) -> list[str]:
    return [COMMAND[0], "--run-dir", str(folder), *options, *COMMAND[1:]]


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bag of a run in the point environment."""
    folder = tmp_path_factory.mktemp("bag")
    assert main([*train(folder / "run"), "train.frames=60"]) == 0
    assert main(["bag-from-ring", str(folder / "run" / "replay"), str(folder / "bag")]) == 0
    return folder / "bag"


def test_a_run_keeps_the_bags_apart_and_learns_from_them_before_its_first_step(
    bag: Path, tmp_path: Path
) -> None:
    bags = ("--bags", str(bag), "--offline-updates", "5")
    assert main([*train(tmp_path / "run", *bags), "train.bag_share=0.5"]) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["step"], summary["updates"]) == (100, 5 + 61)
    own = ReplayRing(tmp_path / "run" / "replay", writable=False)
    kept = ReplayRing(tmp_path / "run" / "bag_replay", writable=False)
    written = ReplayRing(bag.parent / "run" / "replay", writable=False)
    assert own.records["episode"].min() == 0
    assert kept.count == written.count
    assert kept.records[: kept.count].tobytes() == written.records[: kept.count].tobytes()


def test_a_share_without_bags_is_refused(bag: Path, tmp_path: Path) -> None:
    trainer, folder = trainer_of(tmp_path / "run", "train.bag_share=0.5")
    with pytest.raises(ReplayError, match=r"bag_share is 0\.5, but there are no bags"):
        trainer.train()
    folder.close()
    trainer, folder = trainer_of(tmp_path / "run", "train.bag_share=0.5")
    trainer.begin_with(BagSteps([bag]))
    trainer.stop = True
    trainer.train()
    folder.close()
    shutil.rmtree(folder.bag_replay)
    trainer, folder = trainer_of(tmp_path / "run", "train.bag_share=0.5")
    with pytest.raises(ReplayError, match="bag_replay is missing"):
        trainer.train()
    folder.close()


@pytest.mark.parametrize("share", ["0", "0.5"])
def test_a_run_that_was_killed_while_it_took_in_bags_begins_anew(
    bag: Path, tmp_path: Path, share: str
) -> None:
    settings = ["train.asynchronous=true", f"train.bag_share={share}"]
    trainer, folder = trainer_of(tmp_path / "run", *settings)
    begin_with_bags(trainer.run, BagSteps([bag]))  # killed before its checkpoint
    trainer.close()
    folder.close()
    trainer, folder = trainer_of(tmp_path / "run", *settings)
    with pytest.raises(ReplayError, match="give --bags again"):
        trainer.advance(1)
    assert trainer.run.steps == 0 == trainer.run.ring.count
    trainer.begin_with(BagSteps([bag]), 3)
    assert (trainer.run.steps, trainer.run.updates) == (0, 0)
    trainer.advance(1)
    assert (trainer.run.steps, trainer.run.updates) == (1, 3)
    trainer.close()
    folder.close()


def test_a_run_that_is_interrupted_in_its_updates_on_bags_continues_with_them(
    bag: Path, tmp_path: Path
) -> None:
    def learned(name: str, *stops: int) -> torch.Tensor:
        """Learn from the bag, in as many processes as there are stops; return what was learned."""
        for stop in stops:
            trainer, folder = trainer_of(tmp_path / name)
            if not folder.resumed:
                trainer.begin_with(BagSteps([bag]), 9)
            assert trainer.learn_offline(stop)
            trainer.close()
            folder.close()
        trainer, folder = trainer_of(tmp_path / name)
        trainer.advance(1)
        assert (trainer.run.steps, trainer.run.updates) == (1, 9)
        tensors, _ = trainer.run.agent.state()
        trainer.close()
        folder.close()
        return torch.cat([tensor.flatten().double() for tensor in tensors.values()])

    assert torch.equal(learned("interrupted", 3, 7), learned("whole", 9))


def test_a_run_with_bags_that_is_killed_and_resumed_gives_the_bits_of_one_run(
    bag: Path, tmp_path: Path
) -> None:
    bags = ("--bags", str(bag), "--offline-updates", "7")
    folder = tmp_path / "killed"
    for step in (0, 70):  # nothing seen yet but the bags, and in the middle of an episode
        run = start(folder, "train.bag_share=0.4", options=bags)
        wait_for_checkpoint(folder, step, run)
        time.sleep(0.2)
        run.kill()
        run.wait()
    assert "resuming run" in finish(start(folder, "train.bag_share=0.4"))  # needs no bag any more
    assert main(words(tmp_path / "whole", "train.bag_share=0.4", options=bags)) == 0
    assert bits(folder) == bits(tmp_path / "whole")
