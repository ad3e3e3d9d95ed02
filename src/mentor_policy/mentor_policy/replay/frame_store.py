"""Observations in and out of the file of frames.

With frame stacks a record holds the newest frame of each camera, planar ``(cameras, 3, H, W)``:
a frame is stored once and the stack is put together from consecutive records. With blocks a record
holds the whole observation, already ``(H, W, C)``. Reading goes through a memory map; the pages are
given back after every batch, so that a ring of any size needs next to no resident memory.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mentor_common.messages.frames import FrameLayout

Pixels = npt.NDArray[np.uint8]

RESERVE = 64 * 1024 * 1024
"""Bytes of disk that are reserved at once, ahead of the writing."""


class FrameStore:
    """A file of ``slots`` records of frames.

    Args:
        path: the file; made if it is not there.
        layout: layout of the observations.
        slots: number of records.
        writable: False to read only.
    """

    def __init__(self, path: Path, layout: FrameLayout, slots: int, writable: bool) -> None:
        self.layout = layout
        self.slots = slots
        self.record_bytes = frame_bytes(layout)
        self._cameras = len(layout.cameras)
        self._area = layout.height * layout.width
        flags = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
        self._file = os.open(path, flags | os.O_CLOEXEC, 0o644)
        size = slots * self.record_bytes
        if writable and os.fstat(self._file).st_size < size:
            os.ftruncate(self._file, size)
        self._reserved = 0
        self._map = mmap.mmap(self._file, size, prot=mmap.PROT_READ)
        # Random access: the kernel's read-ahead would fetch many times what a batch needs.
        self._map.madvise(mmap.MADV_RANDOM)
        self._planes: Pixels = np.frombuffer(self._map, np.uint8)
        if layout.stacked:
            self._planes = self._planes.reshape(slots, self._cameras, 3, self._area)

    @property
    def context(self) -> int:
        """Number of records before one that its frame stack includes."""
        return self.layout.frames - 1 if self.layout.stacked else 0

    def write(self, slot: int, obs: Pixels, frame: int = -1) -> int:
        """Store what is new in an observation.

        Args:
            slot: where.
            obs: ``(C, H, W) uint8``.
            frame: which frame of a frame stack, -1 for the newest.

        Returns:
            The CRC-32 of the stored bytes.

        Raises:
            OSError: the disk is full or failing; nothing else was touched.
        """
        shape = (self._cameras, self.layout.frames, 3, self._area)
        if self.layout.stacked:
            data = np.ascontiguousarray(obs.reshape(shape)[:, frame])
        else:
            data = np.ascontiguousarray(obs.transpose(1, 2, 0))
        begin = slot * self.record_bytes
        self._reserve(begin + self.record_bytes)
        view = memoryview(data.reshape(-1).data)
        write_whole(self._file, view, begin)
        return zlib.crc32(view)

    def frames_checksum(self, slot: int) -> int:
        """Return the CRC-32 of the bytes stored in a slot."""
        return zlib.crc32(os.pread(self._file, self.record_bytes, slot * self.record_bytes))

    def announce(self, first: int, last: int) -> None:
        """Tell the kernel that the slots from ``first`` to ``last`` will be read soon."""
        if last < first:  # the stack goes round the ring's end
            self.announce(first, self.slots - 1)
            first = 0
        begin, length = first * self.record_bytes, (last - first + 1) * self.record_bytes
        os.posix_fadvise(self._file, begin, length, os.POSIX_FADV_WILLNEED)

    def read(self, slots: Sequence[int], out: Pixels) -> None:
        """Put an observation together.

        Args:
            slots: slots of its frames, oldest first (one slot for a block).
            out: ``(H, W, C) uint8``, contiguous; receives the pixels.
        """
        if not self.layout.stacked:
            begin = slots[0] * self.record_bytes
            out.reshape(-1)[:] = self._planes[begin : begin + self.record_bytes]
            return
        first, last = slots[0], slots[-1]
        if self._cameras == 1 and last - first + 1 == len(slots):
            planes = self._planes[first : last + 1].reshape(-1, self._area)
        else:
            planes = self._planes[list(slots)].swapaxes(0, 1).reshape(-1, self._area)
        # OpenCV's transpose is 5 to 10 times faster here than numpy's or torch's copies.
        cv2.transpose(planes, out.reshape(self._area, -1))

    def release(self) -> None:
        """Give the pages read so far back; the kernel's cache keeps them, this process does not."""
        self._map.madvise(mmap.MADV_DONTNEED)

    def drop_cache(self) -> None:
        """Empty the kernel's cache of this file, for measurements."""
        os.fsync(self._file)
        self.release()
        os.posix_fadvise(self._file, 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """Return when everything written is on the disk."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Close file and map."""
        self._planes = np.zeros(0, np.uint8)
        with contextlib.suppress(BufferError):  # a view is still in use: it goes with the process
            self._map.close()
        os.close(self._file)

    def _reserve(self, end: int) -> None:
        """Have disk space up to byte ``end``, so that no write into the map can fail."""
        if end <= self._reserved:
            return
        begin = self._reserved if end - self._reserved <= RESERVE else end - self.record_bytes
        size = self.slots * self.record_bytes
        stop = min(max(end, begin + RESERVE), size)
        try:
            os.posix_fallocate(self._file, begin, stop - begin)
        except OSError:
            # Perhaps the last free bytes do: reserve exactly what is needed now.
            stop = end
            os.posix_fallocate(self._file, end - self.record_bytes, self.record_bytes)
        self._reserved = stop


def frame_bytes(layout: FrameLayout) -> int:
    """Return the bytes that one record of frames takes: one frame per camera, or a whole block."""
    frames = 1 if layout.stacked else layout.frames
    return len(layout.cameras) * frames * 3 * layout.height * layout.width


def write_whole(file: int, data: bytes | memoryview, begin: int) -> None:
    """Write all of it at an offset in bytes, as a disk that fills up may take a part only.

    Raises:
        OSError: ENOSPC if it took a part only, or what the disk refuses.
    """
    if os.pwrite(file, data, begin) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
