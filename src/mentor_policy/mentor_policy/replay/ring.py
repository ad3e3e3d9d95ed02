"""The ring of steps on disk.

A step is in the ring when :meth:`ReplayRing.append` returns: killed with -9 at any moment, the ring
opens again with all steps but the one that was being written. Frames are written before the record
that refers to them, and each record carries its running number and a checksum.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mentor_policy.replay.frame_store import FrameStore, frame_bytes
from mentor_policy.replay.header import ReplayError, RingHeader, read_header, write_header
from mentor_policy.replay.records import CONTEXT, record_dtype, seal, whole
from mentor_policy.replay.step import Step

CHECKED_FRAMES = 4096
"""Newest records whose frames are compared with their checksums when a ring is opened."""

LOADED_AT_ONCE = 65536
"""Records read at once when a ring is opened."""


class ReplayDiskFullError(ReplayError):
    """There is no room for the ring, or for its next record. What is in the ring is untouched."""


class ReplayRing:
    """A ring of steps in a folder of its own; made if it is not there, else opened and checked.

    Args:
        folder: of the ring.
        header: its shape; None takes the shape found in the folder.
        writable: False opens a ring to look at it, beside its writer.
        expected: records that will be written, if that may be fewer than the ring has slots; disk
            is taken as the ring fills, but a new ring asks for room for this many at once.

    Raises:
        ReplayError: the folder holds a ring of another shape, a damaged one, or one that another
            process writes.
        ReplayDiskFullError: the disk has no room for the whole ring.
    """

    def __init__(
        self,
        folder: Path | str,
        header: RingHeader | None = None,
        *,
        writable: bool = True,
        expected: int | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.writable = writable
        fresh = not (self.folder / "ring.json").exists()
        if fresh and (header is None or not writable):
            raise ReplayError(f"{self.folder} holds no replay ring: ring.json is missing")
        if writable:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = self._take_lock()
        try:
            self._open(header, fresh, expected)
        except BaseException:
            if writable:
                os.close(self._lock)
            raise

    def _open(self, header: RingHeader | None, fresh: bool, expected: int | None) -> None:
        writable = self.writable
        if not fresh:
            if header is not None:
                header.refuse_other(self.folder)
            header = read_header(self.folder)
        assert header is not None
        self.header = header
        self._dtype = record_dtype(header.action_size, header.state_size)
        if not fresh:
            self._refuse_lost_files()
        if fresh:
            self._refuse_small_disk(expected)
            (self.folder / "frames.bin").unlink(missing_ok=True)
            (self.folder / "steps.bin").unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
        self._file = os.open(self.folder / "steps.bin", flags | os.O_CLOEXEC, 0o644)
        self.frames = FrameStore(self.folder / "frames.bin", header.layout, header.slots, writable)
        if fresh:
            os.ftruncate(self._file, header.slots * self._dtype.itemsize)
            write_header(self.folder, header)
        self.records = np.zeros(header.slots, self._dtype)
        self.count = 0
        """Records ever written: the next one has this number, and slot ``count % slots``."""
        self.oldest = 0
        """Number of the oldest record that is still whole."""
        self._last_obs: npt.NDArray[np.uint8] | None = None
        self._latest: dict[int, int] = {}
        self._load()

    @property
    def slots(self) -> int:
        """Records on disk."""
        return self.header.slots

    def append(self, step: Step) -> bool:
        """Put a step in.

        Returns:
            False if the ring already has this step of this episode, or a later one.

        Raises:
            ReplayError: the step does not fit the ring: shape, or frames that do not slide.
            ReplayDiskFullError: no room on the disk; the ring is as it was.
        """
        latest = self._latest.get(step.episode, -1)
        if step.step <= latest:
            return False
        obs = np.asarray(step.obs)
        self._check(step, obs)
        if self.header.layout.stacked:
            self._slide(step, obs, follows=latest >= 0 and latest == step.step - 1)
        self._write(step, obs, -1, step.flags)
        self._last_obs = obs.copy() if self.header.layout.stacked else None
        return True

    def latest_step(self, episode: int) -> int:
        """Newest step of an episode that the ring has, -1 for none."""
        return self._latest.get(episode, -1)

    def latest_episode(self) -> int:
        """Number of the newest episode, -1 in an empty ring."""
        return max(self._latest, default=-1)

    def slot(self, number: int) -> int:
        """Where record ``number`` lies."""
        return number % self.slots

    def truncate(self, count: int) -> None:
        """Forget all records from number ``count`` on, to be as the ring was at a checkpoint.

        Raises:
            ReplayError: the ring has fewer records, or has since overwritten more of the older
                ones than its spare slots made up for.
        """
        if count > self.count:
            raise ReplayError(
                f"replay ring {self.folder} holds {self.count} records, the checkpoint was made "
                f"with {count}: they do not belong together"
            )
        if self.oldest > max(0, count - self.header.capacity):
            raise ReplayError(
                f"replay ring {self.folder}: {self.count - count} records were written after the "
                f"checkpoint, more than its {self.header.spare} spare ones: it cannot go back"
            )
        self._forget(count)

    def observation(self, number: int) -> npt.NDArray[np.uint8]:
        """The whole observation of a record, ``(C, H, W) uint8``."""
        layout = self.header.layout
        out = np.empty((layout.height, layout.width, layout.channels), np.uint8)
        self.frames.read(self.stack_slots(number), out)
        return np.ascontiguousarray(out.transpose(2, 0, 1))

    def stack_slots(self, number: int) -> list[int]:
        """Slots of the frames of a record's stack, oldest first; the first frame repeats."""
        reach = min(self.frames.context, int(self.records[self.slot(number)]["step"]))
        repeats = self.frames.context - reach
        numbers = [number - reach] * repeats + list(range(number - reach, number + 1))
        return [self.slot(n) for n in numbers]

    def sync(self) -> None:
        """Return when everything appended so far would outlast a power cut."""
        self.frames.sync()
        os.fdatasync(self._file)

    def close(self) -> None:
        """Close the files and let another process write."""
        self.frames.close()
        os.close(self._file)
        if self.writable:
            os.close(self._lock)

    def _check(self, step: Step, obs: npt.NDArray[np.uint8]) -> None:
        header, where = self.header, f"replay: episode {step.episode}, step {step.step}: "
        if obs.shape != header.layout.shape or obs.dtype != np.uint8:
            raise ReplayError(
                f"{where}observation is {obs.shape} {obs.dtype}, "
                f"the ring holds {header.layout.shape} uint8"
            )
        if (step.action is None) != (step.step == 0):
            raise ReplayError(f"{where}every step but step 0 has the action that led to it")
        if step.action is not None and step.action.shape != (header.action_size,):
            raise ReplayError(
                f"{where}action has shape {step.action.shape}, the ring ({header.action_size},)"
            )
        size = 0 if step.state is None else step.state.size
        if size != header.state_size:
            raise ReplayError(f"{where}state has size {size}, the ring {header.state_size}")

    def _slide(self, step: Step, obs: npt.NDArray[np.uint8], follows: bool) -> None:
        """Check that the frames slide; after a gap, store the older frames too."""
        layout = self.header.layout
        shape = (len(layout.cameras), layout.frames, 3, layout.height, layout.width)
        frames = obs.reshape(shape)
        where = f"replay: episode {step.episode}, step {step.step}: "
        if step.step == 0:
            if not (frames == frames[:, :1]).all():
                raise ReplayError(
                    f"{where}the first observation's frames differ, but a frame stack begins "
                    "with one frame repeated. Is the frame_layout of the environment stacked?"
                )
        elif follows and self._last_obs is not None:
            if not np.array_equal(frames[:, :-1], self._last_obs.reshape(shape)[:, 1:]):
                raise ReplayError(
                    f"{where}the older frames are not those of the step before. "
                    "Is the frame_layout of the environment stacked?"
                )
        else:
            for back in range(min(layout.frames - 1, step.step), 0, -1):
                older = Step(step.episode, step.step - back, obs, valid=False)
                self._write(older, obs, layout.frames - 1 - back, CONTEXT)

    def _write(self, step: Step, obs: npt.NDArray[np.uint8], frame: int, flags: int) -> None:
        slot = self.slot(self.count)
        record = np.zeros(1, self._dtype)
        # From here on the record that lay in this slot counts as gone.
        self.oldest = max(self.oldest, self.count + 1 - self.slots)
        try:
            record["frames_checksum"] = self.frames.write(slot, obs, frame)
            record["serial"] = self.count + 1
            record["episode"], record["step"] = step.episode, step.step
            record["reward"], record["flags"] = step.reward, flags
            if step.action is not None:
                record["action"] = step.action
            if step.state is not None:
                record["state"] = step.state
            os.pwrite(self._file, seal(record), slot * self._dtype.itemsize)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._disk_full(error) from error
            raise
        self.records[slot] = record[0]
        self.count += 1
        self._latest[step.episode] = step.step

    def _load(self) -> None:
        """Find the newest unbroken run of whole records."""
        size = self._dtype.itemsize
        for first in range(0, self.slots, LOADED_AT_ONCE):
            part = self.records[first : first + LOADED_AT_ONCE]
            data = os.pread(self._file, len(part) * size, first * size)
            if len(data) < len(part) * size:
                raise ReplayError(f"replay ring {self.folder} is damaged: steps.bin is cut off")
            found = np.frombuffer(data, self._dtype)
            if not found["serial"].any():
                continue  # never written; left untouched, it takes no memory
            right = (found["serial"] - 1) % self.slots == np.arange(first, first + len(part))
            part[:] = found
            part["serial"] = np.where(whole(found) & right, found["serial"], 0)
            self.count = max(self.count, int(part["serial"].max()))
        self._index()
        for number in range(max(self.oldest, self.count - CHECKED_FRAMES), self.count):
            slot = self.slot(number)
            if self.frames.frames_checksum(slot) != int(self.records[slot]["frames_checksum"]):
                # Lost in a power cut: what came after it in time cannot be relied on either.
                self._forget(number)
                break

    def _forget(self, count: int) -> None:
        empty = np.zeros((), self._dtype)
        for number in range(self.count - 1, count - 1, -1):
            slot = self.slot(number)
            if self.writable:
                os.pwrite(self._file, empty.tobytes(), slot * self._dtype.itemsize)
            self.records[slot] = empty
        self.count = count
        self._index()

    def _index(self) -> None:
        """Find the oldest usable record, and the newest step of each episode."""
        numbers = np.arange(max(0, self.count - self.slots), self.count)
        broken = np.flatnonzero(self.records["serial"][numbers % self.slots] != numbers + 1)
        first = (
            int(numbers[broken[-1]]) + 1 if broken.size else int(numbers.min(initial=self.count))
        )
        # The slot after the newest may hold frames of a record that was being written.
        self.oldest = max(first, self.count + 1 - self.slots)
        slots = np.arange(self.oldest, self.count) % self.slots
        episodes, steps = self.records["episode"][slots], self.records["step"][slots]
        order = np.lexsort((steps, episodes))
        self._latest = dict(zip(episodes[order].tolist(), steps[order].tolist(), strict=True))
        self._last_obs = None
        if self.header.layout.stacked and self.count - self.oldest > self.frames.context:
            self._last_obs = self.observation(self.count - 1)

    def _take_lock(self) -> int:
        path = self.folder / "lock"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(file, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise ReplayError(
                f"replay ring {self.folder} is being written by process {owner}"
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        return file

    def _refuse_small_disk(self, expected: int | None) -> None:
        records = self.slots if expected is None else min(expected, self.slots)
        needed = records * (frame_bytes(self.header.layout) + self._dtype.itemsize)
        stat = os.statvfs(self.folder)
        free = stat.f_bavail * stat.f_frsize
        if needed > free:
            raise ReplayDiskFullError(
                f"replay ring {self.folder}: {records} records need {needed / 1e9:.2f} GB, the "
                f"disk has {free / 1e9:.2f} GB free. Lower train.replay_capacity, or free space"
            )

    def _refuse_lost_files(self) -> None:
        header = self.header
        size = header.slots * frame_bytes(header.layout)
        for name, least in (
            ("frames.bin", size),
            ("steps.bin", header.slots * self._dtype.itemsize),
        ):
            path = self.folder / name
            if not path.exists() or path.stat().st_size < least:
                raise ReplayError(
                    f"replay ring {self.folder} is damaged: {name} is lost or cut off"
                )

    def _disk_full(self, error: OSError) -> ReplayDiskFullError:
        return ReplayDiskFullError(
            f"replay ring {self.folder}: no space left for record {self.count} ({error.strerror}); "
            "the ring keeps all records before it. Free space and start again to go on"
        )
