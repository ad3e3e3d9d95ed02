"""A run's folder: one learner at a time, resumed if it fits, refused by name if it does not.

A run that is complete is left as it is, to the byte.

It holds ``config.json``, ``checkpoints/``, ``replay/``, ``train.csv``, ``eval.csv``,
``tensorboard/``, ``videos/``, with ``train.bag_share`` also ``bag_replay/``, and, when the run is
over, ``summary.json`` and ``curve.png``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mentor_common.files.json_file import read_json, write_json
from mentor_common.files.lock import LockedError, take_lock, write_owner
from mentor_policy.agents.shape import Shape
from mentor_policy.config import Config, config_from_dict, config_to_dict
from mentor_policy.training.checkpoint_folders import folders, tidy
from mentor_policy.training.schedule import Schedule

FORMAT = "mentor run"
FREE = {
    "train.frames", "train.threads", "train.device",
    "train.eval_every_frames", "train.eval_episodes",
    "train.keep_checkpoints", "train.checkpoint_every_frames", "train.log_every_frames",
    "train.updates_behind", "train.video", "agent.check_gradients", "agent.keep_freed_memory",
}  # fmt: skip
"""Settings that may differ when a run is resumed: what is learned from does not change."""

NOT_A_RUNS_OWN = (".lock", ".new-config.json", "bags", "logs")
"""What may lie in the folder before the run begins: the recorder may have been faster."""


class RunFolderError(RuntimeError):
    """A folder that this run cannot use. Nothing in it was changed."""


class RunFolder:
    """The folder of a run, held by this process alone.

    Args:
        path: made if it is not there; an empty folder is taken as new.
        config: configuration of the run.
        environment: gymnasium id and arguments; of a cell also its task and, where they are known,
            ``reset_options``. A folder that was made without these is resumed and stays so.
        shape: shape of the environment.

    Raises:
        RunFolderError: it belongs to another run (the keys that differ are named), to another
            process, to something else, holds more steps than asked for, or cannot be written;
            nothing in it was changed.
    """

    def __init__(
        self, path: Path, config: Config, environment: Mapping[str, Any], shape: Shape
    ) -> None:
        self.path = path
        self.config = config
        self.environment = dict(environment)
        self.shape = shape
        self.checkpoints = path / "checkpoints"
        self.replay = path / "replay"
        """Where the ring lies."""
        self.bag_replay = path / "bag_replay"
        """Where the ring with the steps of bags lies, if a share of every batch comes from it."""
        self.awaits_bags = path / ".new-from-bags"
        """Mark of a run that is being filled from bags, until its first checkpoint."""
        self._lock = -1
        self.finished: dict[str, Any] | None = None
        """Summary of the run if it is complete as it was asked for: nothing is left to do."""
        self._wanted = wanted = json.loads(
            json.dumps(
                {
                    "format": FORMAT,
                    "config": config_to_dict(config),
                    "environment": self.environment,
                    "shape": shape.as_json(),
                }
            )
        )
        file = path / "config.json"
        self.resumed = file.exists()
        try:
            if path.is_dir() and not self.resumed and _foreign(path):
                raise RunFolderError(
                    f"run folder {path} is not empty and holds no run; choose another run_dir"
                )
            path.mkdir(parents=True, exist_ok=True)
            self._lock = _take_lock(path)
            if self.resumed:
                found = _read_run(file)
                if "reset_options" not in found["environment"]:  # nobody knows what they were
                    for environment in (self.environment, wanted["environment"]):
                        environment.pop("reset_options", None)
                self._refuse_other(found, wanted)
                self.finished = self._finished(found, Schedule(config.train))
                earlier = _earlier_frames(found, config.train.frames)
                wanted.update({"earlier_frames": earlier} if earlier else {})
            if self.finished is None:
                write_owner(self._lock)
                self._tidy()
                if not self.resumed:
                    self.write_config()
        except OSError as error:
            self.close()
            raise RunFolderError(
                f"run folder {path} cannot be written: {error.strerror}; choose another run_dir"
            ) from error
        except RunFolderError:
            self.close()
            raise

    def write_config(self) -> None:
        """Write ``config.json``; of a resumed run only once its content has been found to fit."""
        write_json(self.path / "config.json", self._wanted)

    def video(self, step: int) -> Path:
        """Return the path of the video of the evaluation at a step."""
        return self.path / "videos" / f"eval_{step:09d}.mp4"

    def write_summary(self, summary: Mapping[str, Any]) -> Path:
        """Write ``summary.json``."""
        file = self.path / "summary.json"
        write_json(file, dict(summary))
        return file

    def close(self) -> None:
        """Let another process have the folder."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _tidy(self) -> None:
        """Remove what a process that was killed has left half-written."""
        tidy(self.checkpoints)
        for video in (self.path / "videos").glob(".new-*"):
            video.unlink(missing_ok=True)

    def _refuse_other(self, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        differing = _differences(found, wanted)
        if {key for key, _ in _flat(found.get("shape", {}))} != {
            key for key, _ in _flat(wanted["shape"])
        }:
            raise RunFolderError(
                f"run folder {self.path} was made by another version of this program: "
                f"{'; '.join(differing)}. Resume it with that version, or choose another run_dir"
            )
        if differing:
            raise RunFolderError(
                f"run folder {self.path} belongs to another run: {'; '.join(differing)}. "
                "Give the same settings to resume it, or choose another run_dir"
            )

    def _finished(self, found: Mapping[str, Any], asked: Schedule) -> dict[str, Any] | None:
        """Return the summary if the run is complete as asked for; refuse one that is longer."""
        summary = self._summary()
        step = _count(summary.get("step"))
        done = max(step, self._saved_step())
        evaluated = summary.get("evaluated_at", step) == step
        complete = summary.get("complete") is True and evaluated and step >= asked.last_step
        if complete and found["config"]["train"]["frames"] == asked.train.frames:
            return summary
        if done > asked.last_step:
            raise RunFolderError(
                f"run folder {self.path} holds {done} steps already, asked for are "
                f"{asked.last_step}; nothing in it was changed. Ask for more than {done} steps to "
                "continue, evaluate what it holds, or choose another run_dir"
            )
        return None

    def _summary(self) -> dict[str, Any]:
        if (self.path / "summary.json").is_dir():  # else the run would end with it
            raise RunFolderError(f"{self.path / 'summary.json'} is a folder; move it away")
        try:
            summary = read_json(self.path / "summary.json")
        except (OSError, ValueError):
            return {}
        return summary if isinstance(summary, dict) else {}

    def _saved_step(self) -> int:
        """Step of the newest checkpoint, by its name."""
        return max((int(folder.name) for folder in folders(self.checkpoints)), default=0)


def default_folder(environment: str, agent: str, seed: int) -> Path:
    """Return the folder of a run for which no other is given, in the working folder.

    Args:
        environment: gymnasium id, or name of a cell's task: both give the same folder.
        agent: name of the agent's preset.
        seed: seed of the run.
    """
    task = environment.removeprefix("mentor/").removesuffix("-v0")
    return Path("runs") / task.replace("/", "-").replace(":", "-") / f"{agent}-{seed}"


def _foreign(path: Path) -> bool:
    return any(
        entry.name not in NOT_A_RUNS_OWN and not entry.name.startswith(".new-")
        for entry in path.iterdir()
    )


def _take_lock(path: Path) -> int:
    try:
        return take_lock(path / ".lock")
    except LockedError as owner:
        raise RunFolderError(
            f"run folder {path} is in use by process {owner}: two learners cannot share one"
        ) from None


def _read_run(file: Path) -> dict[str, Any]:
    """Read a run's ``config.json``; settings that are younger than it get their defaults."""
    try:
        found = read_json(file)
        if found["format"] != FORMAT:
            raise ValueError(f"format is {found['format']!r}")
        for key in ("environment", "shape"):
            if not isinstance(found[key], Mapping):
                raise TypeError(f"{key} is {found[key]!r}")
        for frames in found.get("earlier_frames", []):
            if type(frames) is not int:
                raise TypeError(f"earlier_frames has {frames!r}")
        return {**found, "config": config_to_dict(config_from_dict(found["config"]))}
    except (ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{file} is damaged or of something else: {error}") from error


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the settings that the folder was made with and that are other ones now."""
    theirs = dict(_flat({key: value for key, value in found.items() if key != "earlier_frames"}))
    ours = dict(_flat(wanted))
    return [
        f"{key} is {theirs.get(key, 'absent')!r} there and {ours.get(key, 'absent')!r} here"
        for key in sorted({*ours, *theirs})
        if key not in FREE and theirs.get(key) != ours.get(key)
    ]


def _earlier_frames(found: Mapping[str, Any], frames: int) -> list[int]:
    """Return the frames that the run was to have before, one for each change."""
    earlier = [int(value) for value in found.get("earlier_frames", [])]
    before = int(found["config"]["train"]["frames"])
    return earlier if before == frames else [*earlier, before]


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = key if prefix in ("", "config.") and key == "config" else f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, "" if name == "config" else f"{name}.")
        else:
            yield name, value
