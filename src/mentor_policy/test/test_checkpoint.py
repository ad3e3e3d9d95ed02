"""A checkpoint is whole, or it is refused by name and the older one stays."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from point_env import PointEnv

from mentor_policy.agents import make_agent
from mentor_policy.config import load_config
from mentor_policy.training import checkpoint as module
from mentor_policy.training.checkpoint import (
    CheckpointError,
    folders,
    read_checkpoint,
    save_checkpoint,
)
from mentor_policy.training.environment import shape_of

SMALL = [
    "agent.hidden_dim=16", "agent.experts=2", "agent.top_k=1", "agent.expert_dim=8",
    "agent.precision=float32", "agent.feature_dim=8",
]  # fmt: skip


def make(overrides=()):
    config = load_config("mentor", "robot", [*SMALL, *overrides])
    shape = shape_of(PointEnv())
    agent = make_agent(config, shape.layout, shape.state_size, shape.action_size, 0)
    return config, shape, agent


def save(parent: Path, step: int, keep: int = 5, made=None) -> Path:
    config, shape, agent = made or make()
    environment = {"id": "point", "arguments": {}}
    progress = {"step": step, "episode": 1, "updates": 0}
    return save_checkpoint(parent, agent, config, environment, shape, progress, keep=keep)


def test_what_was_saved_comes_back_to_the_bit(tmp_path: Path) -> None:
    made = make()
    made[2].end_episode(3.0, 100)
    made[2].end_episode(4.0, 200)
    folder = save(tmp_path, 200, made=made)
    tensors, values = made[2].state()
    again, values_again = read_checkpoint(folder).agent().state()
    assert values_again == values and again.keys() == tensors.keys()
    assert all(torch.equal(again[name], tensors[name]) for name in tensors)
    obs = np.zeros((6, 24, 24), np.uint8)
    one = made[2].act(obs, None, step=1, evaluate=True)
    assert np.array_equal(
        one, read_checkpoint(folder).agent().act(obs, None, step=1, evaluate=True)
    )


def test_only_the_newest_checkpoints_are_kept_and_members_are_stored_once(tmp_path: Path) -> None:
    made = make()
    made[2].end_episode(3.0, 100)
    for step in (10, 20, 30):
        save(tmp_path, step, keep=2, made=made)
    assert [folder.name for folder in folders(tmp_path)] == ["000000020", "000000030"]
    one, other = (next(f.glob("top_performers*")) for f in folders(tmp_path))
    assert one.stat().st_ino == other.stat().st_ino
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("harm", ["cut", "flip", "missing", "pickle", "json", "foreign", "shape"])
def test_a_damaged_foreign_or_hostile_checkpoint_is_refused_and_the_older_one_named(
    tmp_path: Path, harm: str
) -> None:
    older, newer = save(tmp_path, 10), save(tmp_path, 20)
    file, description = newer / "agent.safetensors", newer / "checkpoint.json"
    data = json.loads(description.read_text())
    marker = tmp_path / "owned"

    class Hostile:
        def __reduce__(self):
            return (Path.touch, (marker,))

    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif harm == "flip":
        content = bytearray(file.read_bytes())
        content[-5] ^= 64
        file.write_bytes(bytes(content))
    elif harm == "missing":
        file.unlink()
    elif harm == "pickle":
        file.write_bytes(pickle.dumps(Hostile()))
        data["files"]["agent.safetensors"] = module._sha256(file)
        description.write_text(json.dumps(data))
    elif harm == "json":
        description.write_text(description.read_text()[:300])
    elif harm == "foreign":
        description.write_text(json.dumps({"format": "something else"}))
    elif harm == "shape":
        data["config"]["agent"]["hidden_dim"] = 32
        description.write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match=r"000000020"):
        read_checkpoint(newer).agent()
    assert not marker.exists()
    read_checkpoint(older).agent()
    if harm in ("json", "foreign"):
        with pytest.raises(CheckpointError, match=rf"older checkpoint {older} is whole"):
            read_checkpoint(newer)


def test_a_path_out_of_the_folder_is_no_name_of_tensors(tmp_path: Path) -> None:
    folder = save(tmp_path, 10)
    data = json.loads((folder / "checkpoint.json").read_text())
    data["files"]["../../secret.safetensors"] = "0"
    (folder / "checkpoint.json").write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match="is no name of its tensors"):
        read_checkpoint(folder)


def test_a_file_or_an_empty_folder_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps({}))
    with pytest.raises(CheckpointError, match="pickles and never loaded"):
        read_checkpoint(tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        read_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        read_checkpoint(tmp_path / "none")


def test_a_disk_that_is_full_leaves_the_older_checkpoint(tmp_path: Path, monkeypatch) -> None:
    older = save(tmp_path, 10)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(CheckpointError, match=r"No space left on device.*untouched"):
        save(tmp_path, 20)
    monkeypatch.undo()
    assert folders(tmp_path) == [older] and not list(tmp_path.glob(".*"))
    shutil.rmtree(tmp_path / "none", ignore_errors=True)
    read_checkpoint(older).agent()
