"""What chose an action goes along with it: mean, run, version and hash of the weights."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import torch
from point_env import PointEnv
from small_runs import trainer_of

from mentor_policy.agents.batch import Batch
from mentor_policy.replay.prefetch import Prefetcher
from mentor_policy.replay.sampler import Sampler
from mentor_policy.replay.transfer import BatchTransfer
from mentor_policy.training.checkpoint import read_checkpoint
from mentor_policy.training.evaluation import evaluate


class Noting(PointEnv):
    """An environment over topics, as far as actions are concerned."""

    choice = None

    def __init__(self) -> None:
        super().__init__()
        self.choices = []

    def step(self, action):
        self.choices.append((self.choice, np.asarray(action)))
        return super().step(action)


def test_training_names_its_run_and_updates_and_evaluation_the_hash_of_its_weights(
    tmp_path: Path,
) -> None:
    env = Noting()
    trainer, run = trainer_of(tmp_path / "run", "train.frames=60", env=env)
    trainer.train()
    run.close()
    last, action = env.choices[59]
    assert (last.run_id, last.weights_sha256) == ("run", "")
    assert last.weights_version == 19  # updates of the steps 40 to 58: the one of 59 runs beside
    assert last.mean.shape == action.shape and not np.array_equal(last.mean, action)
    checkpoint, env = read_checkpoint(tmp_path / "run"), Noting()
    evaluate(checkpoint.agent(), env, 1, seed=0, step=60, weights=checkpoint.weights())
    choice, action = env.choices[0]
    assert choice.weights_sha256 == checkpoint.files["agent.safetensors"]
    assert (choice.run_id, choice.weights_version) == ("run", trainer.run.updates)
    assert np.array_equal(choice.mean, action)


def test_batches_are_brought_to_the_device_by_the_thread_that_draws_them(tmp_path: Path) -> None:
    trainer, run = trainer_of(tmp_path / "run", "train.frames=60", "train.learn=false")
    trainer.advance(60)
    ring, threads = trainer.run.ring, set()
    meta = BatchTransfer(torch.device("meta"))
    assert not meta.pinned and not BatchTransfer(torch.device("cpu")).pinned

    def transfer(batch: Batch) -> Batch:
        threads.add(threading.current_thread().name[:6])
        return meta(batch)

    sampler = Sampler(ring, batch_size=8, n_step=3, gamma=0.9, seed=0)
    prefetcher = Prefetcher(sampler, transfer)
    batch = prefetcher.batch(0)
    assert {tensor.device.type for tensor in batch.tensors().values()} == {"meta"}
    assert threads == {"replay"}
    plain = Prefetcher(Sampler(ring, batch_size=8, n_step=3, gamma=0.9, seed=0))
    assert plain.batch(0).obs.stride() == batch.obs.stride()
    for each in (prefetcher, plain):
        each.close()
    trainer.close()
    run.close()
