"""The ring of steps on disk.

A step is in the ring when :meth:`ReplayRing.append` returns: a kill -9 costs only the one that was
being written. Frames are written before their record, whose checksum covers that of its frames. A
record that fails it, or that is not finite, is skipped and named; the others stay.
"""

from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mentor_common.messages.numbers import usable
from mentor_policy.replay.damage import Damage
from mentor_policy.replay.frame_store import FrameStore, write_whole
from mentor_policy.replay.header import ReplayError, RingHeader, read_header, write_header
from mentor_policy.replay.records import CONTEXT, finite, record_dtype, seal, whole
from mentor_policy.replay.ring_folder import (
    disk_full,
    refuse_lost_files,
    refuse_small_disk,
    take_lock,
)
from mentor_policy.replay.step import Step, refuse_unfit

CHECKED_FRAMES = 4096
"""Newest records whose frames are compared with their checksums when a ring is opened."""
LOADED_AT_ONCE = 65536
"""Records read at once when a ring is opened."""
Numbers = npt.NDArray[np.int64]


class ReplayRing:
    """A ring of steps in a folder of its own; made if it is not there, else opened and checked.

    Args:
        folder: folder of the ring.
        header: its shape; None takes the shape found in the folder.
        writable: False opens a ring for reading, beside its writer.
        expected: records that will be written: a new ring asks for no more disk than these need.

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
        self.folder, self.writable = Path(folder), writable
        fresh = not (self.folder / "ring.json").exists()
        if fresh and (header is None or not writable):
            raise ReplayError(f"{self.folder} holds no replay ring: ring.json is missing")
        if writable:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = take_lock(self.folder)
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
        if fresh:
            refuse_small_disk(self.folder, header, self._dtype.itemsize, expected)
            (self.folder / "frames.bin").unlink(missing_ok=True)
            (self.folder / "steps.bin").unlink(missing_ok=True)
        else:
            refuse_lost_files(self.folder, header, self._dtype.itemsize)
        flags = os.O_CLOEXEC | (os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY)
        self._file = os.open(self.folder / "steps.bin", flags, 0o644)
        self.frames = FrameStore(self.folder / "frames.bin", header.layout, header.slots, writable)
        if fresh:
            os.ftruncate(self._file, header.slots * self._dtype.itemsize)
            write_header(self.folder, header)
        self.records = np.zeros(header.slots, self._dtype)
        """The records by slot; zeros where there is none, or a damaged one."""
        self.count = 0
        """Records ever written: the next one has this number, and slot ``count % slots``."""
        self.oldest = 0
        """Number of the oldest record that may be there."""
        self.damage = Damage(self.folder)
        self._frames_checked = np.zeros(header.slots, np.bool_)
        self._last_obs: npt.NDArray[np.uint8] | None = None
        self._latest: dict[int, int] = {}
        self._load()

    @property
    def slots(self) -> int:
        """Records on disk."""
        return self.header.slots

    def append(self, step: Step) -> bool:
        """Put a step in.

        Values that are not finite are stored as zero, and the step is marked invalid.

        Returns:
            False if the ring already has this step of this episode, or a later one.

        Raises:
            ReplayError: the shape differs, or the frames are not the last ones shifted by one.
            ReplayDiskFullError: no room on the disk; the ring is as it was.
        """
        if step.step <= self.latest_step(step.episode):
            return False
        obs = np.asarray(step.obs)
        refuse_unfit(step, obs, self.header)
        if self.header.layout.stacked:  # steps of another episode may lie between
            last = self.records[self.slot(self.count - 1)][["episode", "step"]].item()
            self._check_stack(step, obs, follows=last == (step.episode, step.step - 1))
        record = self._record(step, step.flags)
        if not finite(record)[0]:
            self.damage.refuse(
                f"episode {step.episode}, step {step.step} has a reward of {step.reward}, or an "
                "action or a state that is not finite or too large"
            )
            state = record["state"] if usable(record["state"]) else None
            step = dataclasses.replace(step, action=None, reward=0.0, state=None, valid=False)
            # Without a state it can be no start either: only its frames are kept.
            record = self._record(step, CONTEXT if state is None else step.flags)
            record["state"] = 0.0 if state is None else state
        self._write(record, obs, -1)
        self._last_obs = obs.copy() if self.header.layout.stacked else None
        return True

    def latest_step(self, episode: int) -> int:
        """Return the newest step of an episode that the ring has, -1 for none."""
        return self._latest.get(episode, -1)

    def latest_episode(self) -> int:
        """Return the highest episode number, from which a run in process counts on; -1: empty."""
        return max(self._latest, default=-1)

    def slot(self, number: int) -> int:
        """Return the slot of record ``number``: its place in the files."""
        return number % self.slots

    def there(self, numbers: Numbers) -> npt.NDArray[np.bool_]:
        """Return which of the records are in the ring and undamaged, as far as it is known."""
        good: npt.NDArray[np.bool_] = self.records["serial"][numbers % self.slots] == numbers + 1
        return good

    def check_frames(self, numbers: Numbers) -> bool:
        """Compare the frames of records with their checksums, once for each.

        Returns:
            Whether all are whole; those that are not count as damaged from now on.
        """
        slots, good = numbers % self.slots, True
        for slot in np.unique(slots[~self._frames_checked[slots]]):
            self._frames_checked[slot] = True
            record = self.records[slot]
            if record["serial"] and self.frames.frames_checksum(int(slot)) != int(
                record["frames_checksum"]
            ):
                self._skip(int(record["serial"]) - 1, "has frames that fail their checksum")
                good = False
        return good

    def expect(self, count: int) -> None:
        """Note how many records were written: those missing at the end are damaged.

        Raises:
            ReplayError: the slots of the missing ones were never written.
        """
        size, missing = self._dtype.itemsize, range(self.count, count)
        written = len(missing) <= self.slots and all(
            any(os.pread(self._file, size, self.slot(number) * size)) for number in missing
        )
        if not written:
            raise ReplayError(
                f"replay ring {self.folder} holds {self.count} records, the checkpoint was made "
                f"with {count}: they do not belong together"
            )
        for number in missing:
            self._skip(number, "fails its checksum")
        if count > self.count:
            self.count = count
            self._index()

    def truncate(self, count: int) -> None:
        """Forget all records from number ``count`` on, to be as the ring was at a checkpoint.

        Raises:
            ReplayError: the ring has fewer records, or has since overwritten more of the older
                ones than its spare slots made up for.
        """
        self.expect(count)
        if self.oldest > max(0, count - self.header.capacity):
            raise ReplayError(
                f"replay ring {self.folder}: {self.count - count} records were written after the "
                f"checkpoint, more than its {self.header.spare} spare ones: it cannot go back"
            )
        self._forget(count)

    def observation(self, number: int) -> npt.NDArray[np.uint8]:
        """Return the whole observation of a record, ``(C, H, W) uint8``."""
        layout = self.header.layout
        out = np.empty((layout.height, layout.width, layout.channels), np.uint8)
        self.frames.read(self.stack_slots(number), out)
        return np.ascontiguousarray(out.transpose(2, 0, 1))

    def stack_slots(self, number: int) -> list[int]:
        """Return the slots of a record's frame stack, oldest first; the first frame repeats."""
        older = min(self.frames.context, int(self.records[self.slot(number)]["step"]))
        first, repeats = number - older, self.frames.context - older
        return [self.slot(n) for n in [first] * repeats + list(range(first, number + 1))]

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

    def _check_stack(self, step: Step, obs: npt.NDArray[np.uint8], follows: bool) -> None:
        """Check that the frames are the last ones shifted by one; after a gap, store older ones."""
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
                older = Step(step.episode, step.step - back, obs)
                self._write(self._record(older, CONTEXT), obs, layout.frames - 1 - back)

    def _record(self, step: Step, flags: int) -> npt.NDArray[np.void]:
        """Return a one-element array of what a step's record will hold besides its frames."""
        record = np.zeros(1, self._dtype)
        record["episode"], record["step"] = step.episode, step.step
        record["reward"], record["flags"] = step.reward, flags
        if step.action is not None:
            record["action"] = step.action
        if step.state is not None:
            record["state"] = step.state
        return record

    def _write(self, record: npt.NDArray[np.void], obs: npt.NDArray[np.uint8], frame: int) -> None:
        slot = self.slot(self.count)
        # From here on the record that lay in this slot counts as gone.
        self.oldest = max(self.oldest, self.count + 1 - self.slots)
        try:
            record["frames_checksum"] = self.frames.write(slot, obs, frame)
            record["serial"] = self.count + 1
            write_whole(self._file, seal(record), slot * record.itemsize)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise disk_full(self.folder, self.count, error) from error
            raise
        self.records[slot] = record[0]
        self._frames_checked[slot] = True
        self.count += 1
        self._latest[int(record["episode"][0])] = int(record["step"][0])

    def _load(self) -> None:
        """Read the records and find the newest one; what is damaged among the others is skipped."""
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
            good = whole(found) & right
            part[good] = found[good]
            self.count = max(self.count, int(part["serial"].max()))
        slot = self.slot(self.count)  # it may hold frames of a record that was being written
        if any(os.pread(self._file, size, slot * size)) and not self.records[slot]["serial"]:
            self.damage.skip(self.count, "fails its checksum, or was half written at a kill")
        numbers = np.arange(max(0, self.count + 1 - self.slots), self.count)
        for number in numbers[~self.there(numbers)]:
            self._skip(int(number), "fails its checksum")
        present = numbers[self.there(numbers)]
        for number in present[~finite(self.records[present % self.slots])]:
            self._skip(int(number), "is not finite")
        self.check_frames(present[-CHECKED_FRAMES:])
        self.damage.name_all()
        self._index()

    def _skip(self, number: int, reason: str) -> None:
        record = self.records[self.slot(number)]
        if record["serial"]:
            reason = f"(episode {record['episode']}, step {record['step']}) {reason}"
        self.records[self.slot(number)] = np.zeros((), self._dtype)
        self.damage.skip(number, reason)

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
        """Find the oldest record that may be there, and the newest step of each episode."""
        self.oldest = max(0, self.count + 1 - self.slots)
        numbers = np.arange(self.oldest, self.count)
        slots = numbers[self.there(numbers)] % self.slots
        episodes, steps = self.records["episode"][slots], self.records["step"][slots]
        order = np.lexsort((steps, episodes))
        self._latest = dict(zip(episodes[order].tolist(), steps[order].tolist(), strict=True))
        self._last_obs = None
        newest = numbers[-1 - self.frames.context :]
        whole_stack = len(newest) > self.frames.context and self.there(newest).all()
        if self.header.layout.stacked and whole_stack:
            self._last_obs = self.observation(self.count - 1)
