"""What the process of the world and the rehearsal node share: the state of the simulation, a
commanded pose, and the sensors and switches of its devices, in a memory-mapped file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mentor_common.files.atomic import replaced

Float64 = npt.NDArray[np.float64]
_HEADER = 8  # sequence, stamp, ticks, sensors, hidden state, free; then positions and velocities
_COMMAND = 8  # sequence, x, y, z, r, switches, fault of the devices, free
_SWITCHES, _FAULT = 5, 6
_RETRIES = 1000


@dataclass(frozen=True)
class WorldState:
    """The simulation at one time.

    Args:
        stamp_ns: wall time, nanoseconds since the epoch.
        ticks: turns of the control loop so far.
        qpos: positions, (nq,).
        qvel: velocities, (nv,).
        sensors: what the devices' sensors say, one bit each.
        hidden: the twin's `hidden_state`.
    """

    stamp_ns: int
    ticks: int
    qpos: Float64
    qvel: Float64
    sensors: int = 0
    hidden: float = 0.0


class SharedState:
    """One writer and any number of readers of a state; one writer and one reader of a command.

    Args:
        path: path of the file; made if it is not there, or of another size.
        nq, nv: numbers of positions and velocities of the model.
    """

    def __init__(self, path: Path, nq: int, nv: int) -> None:
        self._nq = nq
        size = _COMMAND + _HEADER + nq + nv
        if not path.exists() or path.stat().st_size != 8 * size:
            # A file that somebody has mapped must not shrink.
            with replaced(path, durably=False, many_writers=True) as fresh:
                fresh.write_bytes(bytes(8 * size))
        self._memory = np.memmap(path, np.float64, "r+", shape=(size,))
        self._command = self._memory[:_COMMAND]
        self._state = self._memory[_COMMAND:]

    def clear(self) -> None:
        """Forget state, command, switches and fault: the world starts again."""
        self._state[0] = self._command[0] = 0.0
        self._command[_SWITCHES] = self._command[_FAULT] = 0.0

    def write(
        self, ticks: int, qpos: Float64, qvel: Float64, sensors: int = 0, hidden: float = 0.0
    ) -> None:
        """Publish the state as it is now (see WorldState)."""
        state = self._state
        state[0] += 1.0  # odd: being written
        # A double holds nanoseconds of the epoch only to 256 ns, which is far below a frame.
        state[1], state[2], state[3] = float(time.time_ns()), float(ticks), float(sensors)
        state[4] = hidden
        state[_HEADER : _HEADER + self._nq] = qpos
        state[_HEADER + self._nq :] = qvel
        state[0] += 1.0

    def read(self) -> WorldState | None:
        """Return the last whole state; None if there is none yet."""
        state = self._state
        for _ in range(_RETRIES):
            before = float(state[0])
            copy = np.array(state)
            if before > 0.0 and before % 2.0 == 0.0 and before == float(state[0]):
                return WorldState(
                    int(copy[1]), int(copy[2]), copy[_HEADER : _HEADER + self._nq],
                    copy[_HEADER + self._nq :], int(copy[3]), float(copy[4]),
                )  # fmt: skip
            if before == 0.0:
                return None
            time.sleep(1e-5)
        return None

    def command(self, pose: Float64) -> None:
        """Set where the controller is to pull the end effector, (x, y, z, r)."""
        self._command[0] += 1.0
        self._command[1:5] = pose
        self._command[0] += 1.0

    def commanded(self) -> Float64 | None:
        """Return the commanded pose (x, y, z, r); None if there is none, or it is being written."""
        before = float(self._command[0])
        pose = np.array(self._command[1:5])
        whole = before > 0.0 and before % 2.0 == 0.0 and before == float(self._command[0])
        return pose if whole else None

    @property
    def switches(self) -> int:
        """What the devices' switches are set to, one bit each."""
        return int(self._command[_SWITCHES])

    @switches.setter
    def switches(self, bits: int) -> None:
        self._command[_SWITCHES] = float(bits)

    @property
    def fault(self) -> int:
        """Which fault the devices are to have, from 1 on; 0: none."""
        return int(self._command[_FAULT])

    @fault.setter
    def fault(self, number: int) -> None:
        self._command[_FAULT] = float(number)
