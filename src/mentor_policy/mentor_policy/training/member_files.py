"""The files of S_top's members: each is written once, beside the training, and then linked."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mentor_policy.training.tensor_file import write_tensors

MEMBERS = "top_performers"
STAGING = ".members"
"""Folder, among the checkpoints, of files that no checkpoint holds yet."""
PAUSE = 0.05
"""Seconds between two pieces of a file that nobody waits for."""

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class _File:
    """A member's file: its tensors, and where it lies with which SHA-256 once it is written."""

    tensors: Tensors
    written: Future[tuple[Path, str]]

    def holds(self, tensors: Tensors) -> bool:
        """Whether it is the file of these very tensors, which never change."""
        return self.tensors.keys() == tensors.keys() and all(
            self.tensors[name] is tensor for name, tensor in tensors.items()
        )


def grouped(tensors: Tensors) -> tuple[dict[str, Tensor], dict[str, dict[str, Tensor]]]:
    """An agent's tensors without the members', and the members' by the names of their files."""
    others: dict[str, Tensor] = {}
    members: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        first, _, rest = name.partition("/")
        if first == MEMBERS:
            file = f"{MEMBERS}_{rest.partition('/')[0]}.safetensors"
            members.setdefault(file, {})[name] = tensor
        else:
            others[name] = tensor
    return others, members


class MemberFiles:
    """Knows, for one process, which member is in which file.

    What a process that died has left in the staging folder is removed: nobody knows what is in it.

    Args:
        parent: the run's folder of checkpoints; no other process writes there.
    """

    def __init__(self, parent: Path) -> None:
        self._staging = parent / STAGING
        shutil.rmtree(self._staging, ignore_errors=True)
        self._files: dict[str, _File] = {}
        self._waited_for = threading.Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="members")

    def adopt(self, folder: Path, digests: Mapping[str, str], tensors: Tensors) -> None:
        """Take note that a checkpoint holds an agent's members.

        Args:
            folder: of the checkpoint.
            digests: SHA-256 by file name, which the files were found to have.
            tensors: of the agent that was loaded from it.
        """
        for name, group in grouped(tensors)[1].items():
            if name in digests:
                self._files[name] = _known(group, folder / name, digests[name])

    def stage(self, tensors: Tensors) -> None:
        """Begin to write the files of new members, without haste; forget members that left.

        Args:
            tensors: all of an agent's.
        """
        members = grouped(tensors)[1]
        for name in [n for n, file in self._files.items() if not file.holds(members.get(n, {}))]:
            self._files.pop(name).written.cancel()
            self._worker.submit(self._remove, name)
        for name, group in members.items():
            if name not in self._files:
                self._files[name] = _File(group, self._worker.submit(self._write, name, group))

    def hasten(self) -> None:
        """Write without pauses until the next checkpoint, which is waited for."""
        self._waited_for.set()

    def put(self, folder: Path, members: Mapping[str, Tensors]) -> dict[str, str]:
        """Have the members' files in a checkpoint that is being made.

        Args:
            folder: of it.
            members: tensors by file name.

        Returns:
            SHA-256 by file name.

        Raises:
            OSError: the disk is full or read-only.
        """
        self._waited_for.set()
        try:
            return {
                name: self._link(name, group, folder / name) or write_tensors(folder / name, group)
                for name, group in members.items()
            }
        finally:
            self._waited_for.clear()

    def settle(
        self, folder: Path, members: Mapping[str, Tensors], digests: Mapping[str, str]
    ) -> None:
        """The checkpoint is there: from now on its files are the ones to link to.

        Args:
            folder: of the checkpoint, under its last name.
            members: as in :meth:`put`.
            digests: as from :meth:`put`.
        """
        self._files = {
            name: _known(group, folder / name, digests[name]) for name, group in members.items()
        }
        shutil.rmtree(self._staging, ignore_errors=True)

    def close(self) -> None:
        """Stop writing, and leave nothing but checkpoints."""
        self._waited_for.set()
        self._worker.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._staging, ignore_errors=True)

    def _write(self, name: str, tensors: Tensors) -> tuple[Path, str]:
        self._staging.mkdir(parents=True, exist_ok=True)
        path = self._staging / name
        return path, write_tensors(path, tensors, lambda: self._waited_for.wait(PAUSE))

    def _remove(self, name: str) -> None:
        (self._staging / name).unlink(missing_ok=True)

    def _link(self, name: str, tensors: Tensors, target: Path) -> str | None:
        """SHA-256 of the member's file, now in the checkpoint too; None if it has no whole file."""
        file = self._files.get(name)
        if file is None or not file.holds(tensors):
            return None
        try:
            source, digest = file.written.result()
            _link_or_copy(source, target)
            return digest
        except OSError:  # the disk was full, or somebody tidied up
            target.unlink(missing_ok=True)
            return None


def _known(tensors: Tensors, path: Path, digest: str) -> _File:
    written: Future[tuple[Path, str]] = Future()
    written.set_result((path, digest))
    return _File(tensors, written)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without hard links
        with source.open("rb") as old, target.open("wb") as new:
            shutil.copyfileobj(old, new, 4 << 20)
            new.flush()
            os.fsync(new.fileno())
