"""A checkpoint is whole, or it is refused by name and the older one stays."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from point_env import PointEnv
from safetensors.torch import load_file

from mentor_policy.agents import make_agent
from mentor_policy.config import load_config
from mentor_policy.training import checkpoint as module
from mentor_policy.training import member_files as member_module
from mentor_policy.training.checkpoint import (
    CheckpointError,
    folders,
    read_checkpoint,
    save_checkpoint,
)
from mentor_policy.training.environment import shape_of
from mentor_policy.training.member_files import STAGING, MemberFiles
from mentor_policy.training.tensor_file import write_tensors

SMALL = [
    "agent.hidden_dim=16", "agent.experts=2", "agent.top_k=1", "agent.expert_dim=8",
    "agent.precision=float32", "agent.feature_dim=8",
]  # fmt: skip


def make(overrides=()):
    config = load_config("mentor", "robot", [*SMALL, *overrides])
    shape = shape_of(PointEnv())
    agent = make_agent(config, shape.layout, shape.state_size, shape.action_size, 0)
    return config, shape, agent


def save(parent: Path, step: int, keep: int = 5, made=None, members=None) -> Path:
    config, shape, agent = made or make()
    environment = {"id": "point", "arguments": {}}
    progress = {"step": step, "episode": 1, "updates": 0}
    members = members or MemberFiles(parent)
    return save_checkpoint(
        parent, agent, config, environment, shape, progress, members=members, keep=keep
    )


def member_files(folder: Path) -> dict[str, int]:
    """Inodes of the members' files."""
    return {path.name: path.stat().st_ino for path in folder.glob("top_performers*")}


def wait_for(there) -> None:
    until = time.monotonic() + 30
    while not there():
        assert time.monotonic() < until
        time.sleep(0.01)


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
    made, members = make(), MemberFiles(tmp_path)
    made[2].end_episode(3.0, 100)
    for step in (10, 20, 30):
        save(tmp_path, step, keep=2, made=made, members=members)
    assert [folder.name for folder in folders(tmp_path)] == ["000000020", "000000030"]
    one, other = (member_files(folder) for folder in folders(tmp_path))
    assert len(one) == 1 and one == other
    assert not list(tmp_path.glob(".*"))
    read_checkpoint(tmp_path / "000000030").agent()


def test_a_new_member_is_written_before_the_checkpoint_asks_for_it(tmp_path: Path) -> None:
    made, members = make(), MemberFiles(tmp_path)
    for number in range(3):
        made[2].end_episode(float(number), number)
        members.stage(made[2].state()[0])
    written = [file.written.result() for file in members._files.values()]
    staged = {path.name: path.stat().st_ino for path, _ in written}
    assert len(staged) == 3
    assert member_files(save(tmp_path, 10, made=made, members=members)) == staged
    assert not (tmp_path / STAGING).exists()
    members.close()


def test_a_resumed_run_links_the_members_that_it_loaded(tmp_path: Path) -> None:
    made = make()
    made[2].end_episode(3.0, 100)
    first = save(tmp_path, 10, made=made)
    again, members = make(), MemberFiles(tmp_path)
    read_checkpoint(first).load_into(again[2], members)
    again[2].end_episode(4.0, 200)
    second = member_files(save(tmp_path, 20, made=again, members=members))
    assert len(second) == 2 and second.items() > member_files(first).items()


def test_a_number_that_comes_twice_after_a_crash_is_not_taken_for_the_same_member(
    tmp_path: Path,
) -> None:
    lost, other = make(), make(["train.seed=1"])
    other[2].actor.first.weight.data.add_(1.0)
    for made, step in ((lost, 10), (other, 20)):
        made[2].end_episode(3.0, 100)
        folder = save(tmp_path, step, made=made)
    tensors = made[2].state()[0]
    stored = read_checkpoint(folder).tensors()
    assert all(torch.equal(stored[name], tensors[name]) for name in tensors)
    assert member_files(tmp_path / "000000010") != member_files(folder)


def test_a_kill_between_a_members_file_and_the_checkpoint_leaves_the_older_one(
    tmp_path: Path,
) -> None:
    source = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_checkpoint import *
made, members = make(), MemberFiles(Path({str(tmp_path)!r}))
made[2].end_episode(1.0, 1)
save(Path({str(tmp_path)!r}), 10, made=made, members=members)
made[2].end_episode(2.0, 2)
members.stage(made[2].state()[0])
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", source], env={**os.environ})
    wait_for(lambda: (tmp_path / STAGING / "top_performers_1.safetensors").exists())
    process.send_signal(signal.SIGKILL)
    process.wait()
    members = MemberFiles(tmp_path)
    assert not (tmp_path / STAGING).exists()
    made = make()
    (older,) = folders(tmp_path)
    read_checkpoint(older).load_into(made[2], members)
    made[2].end_episode(5.0, 3)
    newer = save(tmp_path, 20, made=made, members=members)
    tensors = made[2].state()[0]
    stored = read_checkpoint(newer).tensors()
    assert all(torch.equal(stored[name], tensors[name]) for name in tensors)
    assert member_files(newer).items() > member_files(older).items()


def test_a_member_whose_file_was_tidied_away_is_written_again(tmp_path: Path) -> None:
    made, members = make(), MemberFiles(tmp_path)
    made[2].end_episode(3.0, 100)
    shutil.rmtree(save(tmp_path, 10, made=made, members=members))
    read_checkpoint(save(tmp_path, 20, made=made, members=members)).agent()


def test_without_hard_links_every_checkpoint_has_its_own_files(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    made, members = make(), MemberFiles(tmp_path)
    made[2].end_episode(3.0, 100)
    members.stage(made[2].state()[0])
    one, other = (save(tmp_path, step, made=made, members=members) for step in (10, 20))
    assert member_files(one) != member_files(other)
    for folder in (one, other):
        read_checkpoint(folder).agent()


def test_members_that_left_leave_no_file(tmp_path: Path) -> None:
    made, members = make(["agent.top_performers=1"]), MemberFiles(tmp_path)
    for number in range(4):
        made[2].end_episode(float(number), number)
        members.stage(made[2].state()[0])
    wait_for(lambda: [path.name for path in tmp_path.glob(f"{STAGING}/*")]
             == ["top_performers_3.safetensors"])  # fmt: skip
    members.close()
    assert not (tmp_path / STAGING).exists()


def test_every_kind_of_tensor_is_read_back_by_safetensors(tmp_path: Path) -> None:
    tensors = {
        "b": torch.randn(3, 5)[:, ::2],
        "a": torch.randint(0, 256, (7,), dtype=torch.uint8),
        "image": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "scalar": torch.tensor(3.0),
        "none": torch.zeros(0, 4),
        "half": torch.randn(3).bfloat16(),
        "long": torch.arange(5),
        "flag": torch.tensor([True, False, True]),
    }
    digest = write_tensors(tmp_path / "x.safetensors", tensors)
    assert digest == module._sha256(tmp_path / "x.safetensors")
    stored = load_file(tmp_path / "x.safetensors")
    assert stored.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert stored[name].dtype == tensor.dtype and torch.equal(stored[name], tensor)


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

    monkeypatch.setattr(module, "write_tensors", full)
    told = r"No space left.*needs some.*GB free.*untouched.*start the run again"
    with pytest.raises(CheckpointError, match=told):
        save(tmp_path, 20)
    monkeypatch.undo()
    assert folders(tmp_path) == [older] and not list(tmp_path.glob(".*"))
    shutil.rmtree(tmp_path / "none", ignore_errors=True)
    read_checkpoint(older).agent()


def test_a_member_that_a_full_disk_refused_is_written_once_there_is_room(
    tmp_path: Path, monkeypatch
) -> None:
    made, members = make(), MemberFiles(tmp_path)
    made[2].end_episode(3.0, 100)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(member_module, "write_tensors", full)
    members.stage(made[2].state()[0])
    with pytest.raises(CheckpointError, match="No space left on device"):
        save(tmp_path, 10, made=made, members=members)
    monkeypatch.undo()
    read_checkpoint(save(tmp_path, 10, made=made, members=members)).agent()
