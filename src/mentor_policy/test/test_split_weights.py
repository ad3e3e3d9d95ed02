"""An actor takes over weights that fit, and refuses all others by name while it goes on acting."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest
import torch

from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents import Agent, make_agent
from mentor_policy.config import Config, config_to_dict, load_config
from mentor_policy.distributed.follower import WeightsFollower
from mentor_policy.distributed.weights import Weights, WeightsError, kept, pack

SMALL = ["agent.hidden_dim=32", "agent.feature_dim=8", "agent.expert_dim=8", "agent.experts=4"]
LAYOUT = FrameLayout(("side",), 3, 36, 36, False)


def config(*more: str) -> Config:
    return load_config("mentor", "robot", [*SMALL, *more])


def agent(of: Config, seed: int = 0, layout: FrameLayout = LAYOUT) -> Agent:
    return make_agent(of, layout, 0, 2, seed)


def settings(of: Config) -> dict:
    return config_to_dict(of)["agent"]


def weights(of: Config, version: int = 1, run_id: str = "run", **changes) -> Weights:
    made = pack(agent(of, 7), settings(of), run_id=run_id, version=version, update=9, steps=30)
    return dataclasses.replace(made, **changes)


def follower(of: Config, folder: Path | None = None) -> WeightsFollower:
    return WeightsFollower(agent(of), settings(of), folder)


def test_weights_arrive_as_they_were_sent() -> None:
    of = config()
    actor, learner = agent(of, 1), agent(of, 7)
    follows = WeightsFollower(actor, settings(of), None)
    follows.offer(weights(of))
    ready = follows.take()
    assert ready is not None and ready[1].steps == 30
    actor.load_acting_state(ready[1].tensors)
    sent = learner.acting_state()
    assert all(torch.equal(tensor, sent[name]) for name, tensor in actor.acting_state().items())
    assert follows.take() is None


def test_weights_of_another_architecture_are_refused_by_the_setting_that_differs() -> None:
    other = config("agent.experts=8")
    with pytest.raises(WeightsError, match=r"agent\.experts is 8, here 4"):
        follower(config()).offer(weights(other))


def test_weights_of_another_shape_are_refused_by_name() -> None:
    of = config()
    two_cameras = FrameLayout(("side", "wrist"), 3, 36, 36, False)
    made = pack(
        agent(of, 7, two_cameras), settings(of), run_id="run", version=1, update=9, steps=30
    )
    with pytest.raises(WeightsError, match=r"encoder/.* same on both machines"):
        follower(of).offer(made)


def test_damaged_weights_are_refused() -> None:
    of = config()
    good = weights(of)
    flipped = bytearray(good.data)
    flipped[-1] ^= 1
    for data in (bytes(flipped), good.data[:-100], b""):
        with pytest.raises(WeightsError, match="damaged"):
            follower(of).offer(dataclasses.replace(good, data=data))


def test_bytes_that_are_no_safetensors_are_refused_though_their_checksum_is_right() -> None:
    of = config()
    for data in (b"", b"\x80\x04hostile pickle.", bytes(64)):
        bad = weights(of, data=data, sha256=hashlib.sha256(data).hexdigest())
        with pytest.raises(WeightsError, match="cannot be read"):
            follower(of).offer(bad)


def test_weights_of_another_format_version_are_refused(monkeypatch) -> None:
    of = config()
    monkeypatch.setattr("mentor_policy.distributed.weights.FORMAT", "99")
    newer = weights(of)
    monkeypatch.undo()
    with pytest.raises(WeightsError, match="format version 99, this actor reads 1"):
        follower(of).offer(newer)


def test_older_weights_and_those_of_a_second_learner_are_refused() -> None:
    of = config()
    follows = follower(of)
    follows.offer(weights(of, version=5))
    assert follows.offer(weights(of, version=5)) == ""  # latched ones come again
    with pytest.raises(WeightsError, match="older than version 5"):
        follows.offer(weights(of, version=4))
    with pytest.raises(WeightsError, match="two learners lead one cell"):
        follows.offer(weights(of, version=9, run_id="another"))
    assert (follows.version, follows.refused) == (5, 2)


def test_the_next_start_falls_back_to_the_last_weights(tmp_path: Path) -> None:
    of = config()
    first = follower(of, tmp_path)
    first.offer(weights(of, version=3))
    second = follower(of, tmp_path)
    assert "weights 3 of run run" in second.restore()
    ready = second.take()
    assert ready is not None and ready[0].version == 3


def test_kept_weights_that_are_damaged_are_named(tmp_path: Path) -> None:
    of = config()
    follower(of, tmp_path).offer(weights(of))
    file = tmp_path / "acting_weights"
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(WeightsError, match="damaged"):
        follower(of, tmp_path).restore()
    file.write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="damaged"):
        kept(tmp_path)


def test_a_folder_that_cannot_be_written_is_said_and_the_weights_are_used(tmp_path: Path) -> None:
    of = config()
    (tmp_path / "file").write_text("in the way")
    follows = follower(of, tmp_path / "file" / "folder")
    assert "cannot be kept" in follows.offer(weights(of))
    assert follows.take() is not None
