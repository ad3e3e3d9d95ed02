"""Checkpoints: safetensors and JSON in a folder each, whole or not there at all. Never a pickle.

``checkpoints/000012000/`` holds ``checkpoint.json`` (configuration, environment, counters, SHA-256
of the other files and, in its last line, of itself), ``agent.safetensors``, and one file per entry
of S_top. The entries never change, so their files are hard links that the checkpoints share
(:mod:`.top_performer_files`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mentor_common.files.found_runs import in_runs
from mentor_common.files.json_file import parse_json, read_file
from mentor_common.messages.frames import FormerLayoutError
from mentor_policy.agents import Agent, make_agent
from mentor_policy.agents.shape import Shape, shape_from_json
from mentor_policy.config import Config, ConfigError, config_from_dict, config_to_dict
from mentor_policy.device.resolve import resolve_device
from mentor_policy.training.checkpoint_folders import folders, prune, put_in_place
from mentor_policy.training.choosing import WeightsName
from mentor_policy.training.tensor_file import write_tensors
from mentor_policy.training.top_performer_files import TopPerformerFiles, grouped

FORMAT = "mentor checkpoint"
VERSION = 2
"""1 had no SHA-256 of its own; it is still read."""
AGENT = "agent.safetensors"
DESCRIPTION = "checkpoint.json"
SEAL = b',\n "sha256": "'
SEAL_END = b'"\n}\n'


class CheckpointError(ValueError):
    """A checkpoint that is refused, or that cannot be written. Nothing was changed."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint's JSON holds.

    Attributes:
        folder: where it lies.
        config: configuration of the run.
        environment: gymnasium id and arguments.
        shape: shape of the environment.
        values: the agent's, as :meth:`Agent.state` gave them.
        progress: the trainer's counters.
        files: SHA-256 by file name.
    """

    folder: Path
    config: Config
    environment: dict[str, Any]
    shape: Shape
    values: dict[str, Any]
    progress: dict[str, Any]
    files: dict[str, str]

    def tensors(self) -> dict[str, Tensor]:
        """Load all tensors of the agent.

        Raises:
            CheckpointError: a file is missing, damaged, or no safetensors.
        """
        result: dict[str, Tensor] = {}
        for name, digest in self.files.items():
            path = self.folder / name
            if not path.is_file():
                raise CheckpointError(f"checkpoint {self.folder}: {name} is missing")
            if _sha256(path) != digest:
                raise CheckpointError(
                    f"checkpoint {self.folder}: {name} is damaged, cut off or of another "
                    "checkpoint: its SHA-256 is not the one in checkpoint.json"
                )
            try:
                result.update(load_file(path))
            except (SafetensorError, OSError, ValueError) as error:
                raise CheckpointError(
                    f"checkpoint {self.folder}: {name} is no safetensors file ({error}); "
                    "pickles are never loaded"
                ) from error
        return result

    def load_into(self, agent: Agent, top_files: TopPerformerFiles | None = None) -> None:
        """Give an agent this state.

        Args:
            agent: agent of the same configuration and environment.
            top_files: takes note which files hold S_top now, for the next checkpoint.

        Raises:
            CheckpointError: damaged, or of another architecture; the agent is as it was.
        """
        try:
            agent.load_state(self.tensors(), self.values)
        except CheckpointError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"checkpoint {self.folder}: {error}") from error
        if top_files is not None:
            top_files.adopt(self.folder, self.files, agent.state()[0])

    @property
    def video(self) -> Path:
        """Where the video of an evaluation lies: in the run, or beside a checkpoint without one."""
        name = f"checkpoint_{self.progress['step']:09d}.mp4"
        folder = self.folder.resolve()
        in_run = folder.parent.name == "checkpoints"
        return folder.parent.parent / "videos" / name if in_run else folder.with_name(name)

    def weights(self) -> WeightsName:
        """Return what its weights are called where they act: by the SHA-256 of the agent's file."""
        run = self.folder.resolve().parent.parent.name
        return WeightsName(run, sha256=self.files.get(AGENT, ""))

    def agent(self, device: str = "auto") -> Agent:
        """Return the agent that was saved.

        Args:
            device: where it acts, as ``train.device`` names it; that of the training may be gone.

        Raises:
            CheckpointError: damaged, or of another architecture.
            ConfigError: an unavailable device.
        """
        seed = self.config.train.seed
        agent = make_agent(self.config, self.shape, seed, resolve_device(device))
        self.load_into(agent)
        return agent


def save_checkpoint(
    parent: Path,
    agent: Agent,
    config: Config,
    environment: dict[str, Any],
    shape: Shape,
    progress: dict[str, Any],
    *,
    top_files: TopPerformerFiles,
    keep: int,
) -> Path:
    """Write a checkpoint under a temporary name, and rename it when it is on the disk.

    Args:
        parent: the run's folder of checkpoints.
        agent: to be saved; must not be updated meanwhile.
        config: configuration of the run.
        environment: id and arguments.
        shape: shape of the environment.
        progress: the run's counters; ``step`` names the folder.
        top_files: knows the files of S_top's entries.
        keep: newest checkpoints that stay; older ones are removed afterwards.

    Returns:
        Its folder.

    Raises:
        CheckpointError: disk full or read-only; the older checkpoints are as they were.
    """
    name = f"{progress['step']:09d}"
    temporary = parent / f".new-{name}"
    tensors, values = agent.state()
    others, entries = grouped(tensors)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        linked = top_files.put(temporary, entries)
        files = {AGENT: write_tensors(temporary / AGENT, others), **linked}
        content = {
            "format": FORMAT, "version": VERSION, "config": config_to_dict(config),
            "environment": environment, "shape": shape.as_json(), "agent": values,
            "progress": progress, "files": files,
        }  # fmt: skip
        _write_synced(temporary / DESCRIPTION, _sealed(content))
        final = put_in_place(temporary, parent / name)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        needs = sum(tensor.nbytes for tensor in others.values()) / 1e9
        raise CheckpointError(
            f"checkpoint {parent / name} could not be written ({error.strerror}): it needs "
            f"some {needs:.2f} GB, {_free(parent)}. The checkpoints before it are untouched: free "
            "space or rights there, and start the run again"
        ) from error
    top_files.adopt(final, linked, tensors)
    prune(parent, keep)
    return final


def _sealed(content: dict[str, Any]) -> bytes:
    """Return JSON whose last value is the SHA-256 of all bytes before it."""
    text = json.dumps(content, indent=1, sort_keys=True).removesuffix("\n}").encode()
    text += SEAL
    return text + hashlib.sha256(text).hexdigest().encode() + SEAL_END


def _opened(data: bytes) -> Any:
    """Parse a checkpoint's JSON and check its seal; version 1 has none.

    Raises:
        ValueError: it is no JSON, or its SHA-256 is not the one that it carries.
    """
    content = parse_json(data)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return content
    if content.get("version") == VERSION or (content.get("version") == 1 and "sha256" in content):
        body, seal, rest = data.rpartition(SEAL)
        if rest != hashlib.sha256(body + seal).hexdigest().encode() + SEAL_END:
            raise ValueError("its SHA-256 is not the one in its last line")
    return content


def _free(folder: Path) -> str:
    """Return what the disk has left, as text."""
    try:
        return f"the disk has {shutil.disk_usage(folder).free / 1e9:.2f} GB free"
    except OSError:
        return "its free space is unknown"


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint's JSON; its tensors are read when they are asked for.

    Args:
        folder: folder of a checkpoint, or of a run (then its newest one).

    Raises:
        CheckpointError: not there, damaged, foreign, hostile, or of a newer version. Where there is
            an older whole one beside it, the message names it.
    """
    folder = _resolve(folder)
    try:
        return _read(folder)
    except CheckpointError as error:
        raise CheckpointError(f"{error}{older_whole(folder)}") from error


def older_whole(folder: Path, agent: Agent | None = None) -> str:
    """Return a sentence that names the newest older checkpoint which can be loaded, or nothing.

    Args:
        folder: folder of the checkpoint that is refused.
        agent: given the state of the older one, so that one of an older version is not named.
    """
    for older in reversed([f for f in folders(folder.parent) if f.name < folder.name]):
        try:
            checkpoint = _read(older)
            if agent is None:
                checkpoint.tensors()
            else:
                checkpoint.load_into(agent)
        except CheckpointError:
            continue
        return (
            f". The older checkpoint {older} is whole: move {folder.name} away to continue from it"
        )
    return ""


def _resolve(folder: Path) -> Path:
    if folder.is_file():
        raise CheckpointError(
            f"{folder} is a file, a checkpoint is a folder with checkpoint.json and safetensors; "
            "torch's .pt files are pickles and never loaded"
        )
    if not folder.is_dir():
        raise CheckpointError(f"there is no checkpoint {folder}; {in_runs('checkpoints')}")
    if (folder / DESCRIPTION).exists():
        return folder
    for parent in (folder / "checkpoints", folder):
        found = folders(parent)
        if found:
            return found[-1]
    raise CheckpointError(f"{folder} holds no checkpoint: checkpoint.json is missing")


def _read(folder: Path) -> Checkpoint:
    path = folder / DESCRIPTION
    try:
        data = _opened(read_file(path))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise CheckpointError(f"{path} is not of a MENTOR checkpoint")
        if data["version"] not in (1, VERSION):
            raise CheckpointError(
                f"checkpoint {folder} has version {data['version']!r}, this program reads {VERSION}"
            )
        files = {str(name): str(digest) for name, digest in data["files"].items()}
        for name in files:
            if Path(name).name != name or not name.endswith(".safetensors"):
                raise CheckpointError(f"checkpoint {folder}: {name!r} is no name of its tensors")
        progress = dict(data["progress"])
        for key in ("step", "episode"):
            if type(progress[key]) is not int or progress[key] < 0:
                raise CheckpointError(
                    f"checkpoint {folder}: progress.{key} is {progress[key]!r}, must be a count"
                )
        return Checkpoint(
            folder=folder,
            config=config_from_dict(data["config"]),
            environment=dict(data["environment"]),
            shape=shape_from_json(data["shape"]),
            values=dict(data["agent"]),
            progress=progress,
            files=files,
        )
    except CheckpointError:
        raise
    except FileNotFoundError:
        raise CheckpointError(f"checkpoint {folder}: checkpoint.json is missing") from None
    except ConfigError as error:
        raise CheckpointError(f"checkpoint {folder}: its configuration: {error}") from error
    except FormerLayoutError as error:
        raise CheckpointError(
            f"checkpoint {folder} is of an older version of this program: {error}. Use it with "
            "that version, or train anew"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"checkpoint {folder}: checkpoint.json is damaged ({type(error).__name__}: {error})"
        ) from error


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
