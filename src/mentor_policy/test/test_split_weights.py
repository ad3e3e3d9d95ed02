"""An actor takes over weights that fit, and refuses all others by name while it goes on acting."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
import torch

from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents import Agent, make_agent
from mentor_policy.agents.shape import Shape
from mentor_policy.config import Config, config_to_dict, load_config
from mentor_policy.distributed.follower import WeightsFollower
from mentor_policy.distributed.weights import Weights, WeightsError, kept, pack

SMALL = ["agent.hidden_dim=32", "agent.feature_dim=8", "agent.expert_dim=8", "agent.experts=4"]
LAYOUT = FrameLayout(("side",), 3, 36, 36, False)


def config(*more: str) -> Config:
    return load_config("mentor", "robot", [*SMALL, *more])


def agent(of: Config, seed: int = 0, layout: FrameLayout = LAYOUT) -> Agent:
    return make_agent(of, Shape(layout, 0, 2), seed)


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
    with pytest.raises(WeightsError, match="while this actor follows run run"):
        follows.offer(weights(of, version=9, run_id="another"))
    assert (follows.version, follows.refused) == (5, 2)


def test_a_stranger_who_knows_the_run_does_not_take_the_actor_from_its_learner() -> None:
    of, alive = config(), {b"learner", b"stranger"}
    follows = follower(of)

    def offer(version: int, publisher: bytes) -> str:
        return follows.offer(weights(of, version=version), publisher, lambda p: p not in alive)

    with pytest.raises(WeightsError, match="no learner has published so many"):
        offer(2**63, b"stranger")
    offer(5, b"learner")
    for version in (2**63, 2**40, 6):
        with pytest.raises(WeightsError):
            offer(version, b"stranger")
    offer(6, b"learner")
    assert follows.version == 6
    alive -= {b"learner"}  # it was killed; the stranger is taken for the one that follows it
    offer(2**40, b"stranger")
    alive ^= {b"stranger", b"learner again"}
    assert "continues from an older state" in offer(7, b"learner again")
    assert follows.version == 7


def test_an_actor_keeps_to_the_run_that_it_was_started_with(tmp_path: Path) -> None:
    of = config()
    follower(of, tmp_path).offer(weights(of, version=3))
    again = follower(of, tmp_path)
    again.restore()
    with pytest.raises(WeightsError, match=r"follows run run.*another run_dir"):
        again.offer(weights(of, version=4, run_id="another"))
    named = WeightsFollower(agent(of), settings(of), None, "mine")
    with pytest.raises(WeightsError, match="follows run mine"):
        named.offer(weights(of, version=1, run_id="first"))
    named.offer(weights(of, version=1, run_id="mine"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": "[" * 200_000}, "nested too deeply"),
        ({"config": "{" + ",".join(f'"k{i}": 1' for i in range(5000)) + "}"}, "and .* more"),
        ({"update": 2**63}, "no learner has published so many"),
    ],
)
def test_whatever_a_stranger_writes_into_weights_is_refused_in_a_short_line(
    changes: dict, message: str
) -> None:
    of = config()
    with pytest.raises(WeightsError, match=message) as error:
        follower(of).offer(weights(of, **changes))
    assert len(str(error.value)) < 3000


@pytest.mark.parametrize(
    "metadata",
    [
        {"acting": "[" * 200_000},
        {"acting": '{"dormant_ratio": NaN, "awake_since": null}'},
        {"acting": "[1]"},
        {"steps": str(2**63)},
        {"steps": "-1"},
    ],
)
def test_progress_that_acting_cannot_be_computed_from_is_refused(metadata: dict) -> None:
    of = config()
    good = weights(of)
    size = int.from_bytes(good.data[:8], "little")
    header = json.loads(good.data[8 : 8 + size])
    header["__metadata__"].update(metadata)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = len(text).to_bytes(8, "little") + text + good.data[8 + size :]
    with pytest.raises(WeightsError, match="cannot be read"):
        follower(of).offer(weights(of, data=data, sha256=hashlib.sha256(data).hexdigest()))


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
