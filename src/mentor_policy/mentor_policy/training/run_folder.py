"""A run's folder: one learner at a time, resumed if it fits, refused by name if it does not.

It holds ``config.json``, ``checkpoints/``, ``replay/``, ``train.csv``, ``eval.csv``,
``tensorboard/``, ``videos/`` and, when the run is over, ``summary.json`` and ``curve.png``.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mentor_policy.config import Config, config_from_dict, config_to_dict
from mentor_policy.training.environment import Shape

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
        config: of the run.
        environment: gymnasium id and arguments.
        shape: of the environment.

    Raises:
        RunFolderError: it belongs to another run (the keys that differ are named), to another
            process, to something else, or cannot be written.
    """

    def __init__(
        self, path: Path, config: Config, environment: Mapping[str, Any], shape: Shape
    ) -> None:
        self.path = path
        wanted = json.loads(
            json.dumps(
                {
                    "format": FORMAT,
                    "config": config_to_dict(config),
                    "environment": dict(environment),
                    "shape": shape.as_json(),
                }
            )
        )
        file = path / "config.json"
        try:
            if path.is_dir() and not file.exists() and _foreign(path):
                raise RunFolderError(
                    f"run folder {path} is not empty and holds no run; choose another run_dir"
                )
            path.mkdir(parents=True, exist_ok=True)
            self._lock = _take_lock(path)
            self.resumed = file.exists()
            if self.resumed:
                self._refuse_other(wanted)
            temporary = path / ".new-config.json"
            with temporary.open("w") as stream:
                json.dump(wanted, stream, indent=2)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(file)
        except OSError as error:
            raise RunFolderError(
                f"run folder {path} cannot be written: {error.strerror}; choose another run_dir"
            ) from error

    @property
    def checkpoints(self) -> Path:
        """Where the checkpoints lie."""
        return self.path / "checkpoints"

    @property
    def replay(self) -> Path:
        """Where the ring lies."""
        return self.path / "replay"

    def video(self, step: int) -> Path:
        """The video of the evaluation at a step."""
        return self.path / "videos" / f"eval_{step:09d}.mp4"

    def write_summary(self, summary: Mapping[str, Any]) -> Path:
        """Write ``summary.json``."""
        file = self.path / "summary.json"
        temporary = self.path / ".new-summary.json"
        temporary.write_text(json.dumps(dict(summary), indent=2) + "\n")
        temporary.replace(file)
        return file

    def finished(self, step: int) -> dict[str, Any] | None:
        """The summary of a run that is complete and evaluated at this agent step, or None."""
        try:
            summary = json.loads((self.path / "summary.json").read_text())
        except (OSError, ValueError):
            return None
        if not isinstance(summary, dict) or summary.get("complete") is not True:
            return None
        there = summary.get("step") == summary.get("evaluated_at") == step
        return summary if there else None

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def _refuse_other(self, wanted: Mapping[str, Any]) -> None:
        try:
            differing = _differences(self.path / "config.json", wanted)
            if differing:
                raise RunFolderError(
                    f"run folder {self.path} belongs to another run: {'; '.join(differing)}. "
                    "Give the same settings to resume it, or choose another run_dir"
                )
        except RunFolderError:
            self.close()
            raise


def _foreign(path: Path) -> bool:
    return any(entry.name not in NOT_A_RUNS_OWN for entry in path.iterdir())


def _take_lock(path: Path) -> int:
    file = os.open(path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(file, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(file)
        raise RunFolderError(
            f"run folder {path} is in use by process {owner}: two learners cannot share one"
        ) from None
    os.ftruncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)
    return file


def _differences(file: Path, wanted: Mapping[str, Any]) -> list[str]:
    """Settings that the folder was made with and that are other ones now."""
    try:
        found = json.loads(file.read_text())
        if found["format"] != FORMAT:
            raise ValueError(f"format is {found['format']!r}")
        # A folder that is older than a setting was made with its default.
        settings = config_to_dict(config_from_dict(found["config"]))
        theirs = dict(_flat({**found, "config": settings}))
    except (ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{file} is damaged or of something else: {error}") from error
    ours = dict(_flat(wanted))
    return [
        f"{key} is {theirs.get(key, 'absent')!r} there and {ours.get(key, 'absent')!r} here"
        for key in sorted({*ours, *theirs})
        if key not in FREE and theirs.get(key) != ours.get(key)
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = key if prefix in ("", "config.") and key == "config" else f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, "" if name == "config" else f"{name}.")
        else:
            yield name, value
