"""A checkpoint is whole, or it is refused by name and the older one stays."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from point_env import PointEnv
from safetensors.torch import load_file

from mentor_policy.agents import make_agent
from mentor_policy.config import load_config
from mentor_policy.training import checkpoint as module
from mentor_policy.training.checkpoint import CheckpointError, read_checkpoint, save_checkpoint
from mentor_policy.training.checkpoint_folders import folders, tidy
from mentor_policy.training.environment import shape_of
from mentor_policy.training.tensor_file import write_tensors
from mentor_policy.training.top_performer_files import TopPerformerFiles

SMALL = [
    "agent.hidden_dim=16", "agent.experts=2", "agent.top_k=1", "agent.expert_dim=8",
    "agent.precision=float32", "agent.feature_dim=8",
]  # fmt: skip


def make(overrides=()):
    config = load_config("mentor", "robot", [*SMALL, *overrides])
    shape = shape_of(PointEnv())
    agent = make_agent(config, shape, 0)
    return config, shape, agent


def save(parent: Path, step: int, keep: int = 5, made=None, top_files=None) -> Path:
    config, shape, agent = made or make()
    environment = {"id": "point", "arguments": {}}
    progress = {"step": step, "episode": 1, "updates": 0}
    return save_checkpoint(
        parent, agent, config, environment, shape, progress,
        top_files=top_files or TopPerformerFiles(), keep=keep,
    )  # fmt: skip


def without_seal(data: dict) -> dict:
    """What a checkpoint's JSON holds besides its own SHA-256."""
    return {key: value for key, value in data.items() if key != "sha256"}


def entries_of(folder: Path) -> dict[str, int]:
    """Inodes of the files of S_top's entries."""
    return {path.name: path.stat().st_ino for path in folder.glob("top_performers*")}


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


def test_only_the_newest_checkpoints_are_kept_and_entries_are_stored_once(tmp_path: Path) -> None:
    made, top_files = make(), TopPerformerFiles()
    made[2].end_episode(3.0, 100)
    for step in (10, 20, 30):
        save(tmp_path, step, keep=2, made=made, top_files=top_files)
    assert [folder.name for folder in folders(tmp_path)] == ["000000020", "000000030"]
    one, other = (entries_of(folder) for folder in folders(tmp_path))
    assert len(one) == 1 and one == other
    assert not list(tmp_path.glob(".*"))
    read_checkpoint(tmp_path / "000000030").agent()


def test_a_resumed_run_links_the_entries_that_it_loaded(tmp_path: Path) -> None:
    made = make()
    made[2].end_episode(3.0, 100)
    first = save(tmp_path, 10, made=made)
    again, top_files = make(), TopPerformerFiles()
    read_checkpoint(first).load_into(again[2], top_files)
    again[2].end_episode(4.0, 200)
    second = entries_of(save(tmp_path, 20, made=again, top_files=top_files))
    assert len(second) == 2 and second.items() > entries_of(first).items()


def test_a_number_that_comes_twice_after_a_crash_is_not_taken_for_the_same_entry(
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
    assert entries_of(tmp_path / "000000010") != entries_of(folder)


def test_what_a_kill_leaves_half_written_is_tidied_away_and_what_it_replaced_comes_back(
    tmp_path: Path,
) -> None:
    whole, replaced = save(tmp_path, 10), save(tmp_path, 20)
    replaced.rename(tmp_path / ".old-000000020")  # killed before the new one had its name
    for name in (".new-000000030", ".new-000000020", ".gone-000000005"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.safetensors").write_bytes(b"half")
    tidy(tmp_path)
    assert sorted(tmp_path.iterdir()) == [whole, replaced]
    read_checkpoint(replaced).agent()


def test_a_kill_while_checkpoints_are_pruned_leaves_no_half_of_one(tmp_path: Path) -> None:
    source = f"""
import os, shutil, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_checkpoint import *
save(Path({str(tmp_path)!r}), 10)
remove = os.unlink
def killed(*arguments, **named):
    remove(*arguments, **named)
    os.kill(os.getpid(), 9)
os.unlink = killed
save(Path({str(tmp_path)!r}), 20, keep=1)
"""
    killed = subprocess.run([sys.executable, "-c", source], env={**os.environ})
    assert killed.returncode == -signal.SIGKILL
    assert [folder.name for folder in folders(tmp_path)] == ["000000020"]
    assert [path.name for path in tmp_path.glob(".*")] == [".gone-000000010"]
    read_checkpoint(tmp_path / "000000020").agent()


def test_an_entry_whose_file_was_tidied_away_is_written_again(tmp_path: Path) -> None:
    made, top_files = make(), TopPerformerFiles()
    made[2].end_episode(3.0, 100)
    shutil.rmtree(save(tmp_path, 10, made=made, top_files=top_files))
    read_checkpoint(save(tmp_path, 20, made=made, top_files=top_files)).agent()


def test_without_hard_links_every_checkpoint_has_its_own_files(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    made, top_files = make(), TopPerformerFiles()
    made[2].end_episode(3.0, 100)
    one, other = (save(tmp_path, step, made=made, top_files=top_files) for step in (10, 20))
    assert entries_of(one) != entries_of(other)
    for folder in (one, other):
        read_checkpoint(folder).agent()


def test_an_entry_that_left_s_top_leaves_no_file(tmp_path: Path) -> None:
    made, top_files = make(["agent.top_performers=1"]), TopPerformerFiles()
    for number in range(3):
        made[2].end_episode(float(number), number)
        folder = save(tmp_path, 10 * number, made=made, top_files=top_files)
    assert list(entries_of(folder)) == ["top_performers_2.safetensors"]


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


@pytest.mark.parametrize(
    "harm", ["cut", "flip", "missing", "pickle", "json", "foreign", "shape", "pipe", "brackets"]
)
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
        description.write_bytes(module._sealed(without_seal(data)))
    elif harm == "json":
        description.write_text(description.read_text()[:300])
    elif harm == "foreign":
        description.write_text(json.dumps({"format": "something else"}))
    elif harm == "shape":
        data["config"]["agent"]["hidden_dim"] = 32
        description.write_bytes(module._sealed(without_seal(data)))
    elif harm == "pipe":
        description.unlink()
        os.mkfifo(description)
    elif harm == "brackets":
        description.write_text("[" * 200_000)
    with pytest.raises(CheckpointError, match=r"000000020"):
        read_checkpoint(newer).agent()
    assert not marker.exists()
    read_checkpoint(older).agent()
    if harm in ("json", "foreign", "pipe", "brackets"):
        with pytest.raises(CheckpointError, match=rf"older checkpoint {older} is whole"):
            read_checkpoint(newer)


def test_any_changed_byte_of_the_description_is_found(tmp_path: Path) -> None:
    file = save(tmp_path, 10) / "checkpoint.json"
    content = file.read_bytes()
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        file.write_bytes(bytes(changed))
        with pytest.raises(CheckpointError):
            read_checkpoint(tmp_path / "000000010")
    file.write_bytes(content[:-2] + b" " + content[-1:])
    with pytest.raises(CheckpointError):
        read_checkpoint(tmp_path / "000000010")


def test_a_checkpoint_of_version_1_is_still_read(tmp_path: Path) -> None:
    file = save(tmp_path, 10) / "checkpoint.json"
    data = without_seal(json.loads(file.read_text()))
    file.write_text(json.dumps({**data, "version": 1}, indent=1, sort_keys=True))
    read_checkpoint(tmp_path / "000000010").agent()
    file.write_text(json.dumps({**data, "version": 3}, indent=1, sort_keys=True))
    with pytest.raises(CheckpointError, match="has version 3, this program reads 2"):
        read_checkpoint(tmp_path / "000000010")


def test_a_path_out_of_the_folder_is_no_name_of_tensors(tmp_path: Path) -> None:
    folder = save(tmp_path, 10)
    data = json.loads((folder / "checkpoint.json").read_text())
    data["files"]["../../secret.safetensors"] = "0"
    (folder / "checkpoint.json").write_bytes(module._sealed(without_seal(data)))
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
