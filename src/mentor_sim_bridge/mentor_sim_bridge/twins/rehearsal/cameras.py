"""The cameras of a rehearsal: renders the world's state at their rate into frame feeds."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import mujoco

from mentor_common.cell.frame_feed import FeedHeader, FrameFeed
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.arm.panda_simulator import PandaSimulator
from mentor_sim_bridge.twins.rehearsal.shared_state import WorldState

SERIAL = "rehearsal_"
"""Serial number of a simulated camera, before its name."""
OTHER_SERIAL = "other_"
"""The same of another camera that is plugged into its place."""


class RehearsalCameras:
    """All cameras of a task; belongs to the thread that renders.

    Args:
        task: names the cameras.
        simulator: a copy of the world, with the same seed; it is only rendered.
        folder: folder of the feeds' sockets.
    """

    def __init__(self, task: Task, simulator: PandaSimulator, folder: Path) -> None:
        self._task, self._simulator, self._folder = task, simulator, folder
        self._feeds: dict[str, FrameFeed] = {}
        self._number = 0
        self._swapped: frozenset[str] = frozenset()
        self._cut: frozenset[str] = frozenset()
        folder.mkdir(parents=True, exist_ok=True)
        self.plug(set(simulator.cameras))

    def plug(self, names: Iterable[str]) -> None:
        """Plug in these cameras, and unplug the others."""
        wanted = set(names) & set(self._simulator.cameras)
        for name in set(self._feeds) - wanted:
            self._feeds.pop(name).close()
        for name in wanted - set(self._feeds):
            self._feeds[name] = FrameFeed(self._folder / name, self._header(name))

    def misfit(self, swapped: Iterable[str], cut: Iterable[str]) -> None:
        """Have cameras that do not fit in the place of others, and the right ones in all others.

        Args:
            swapped: names of those in whose place is a camera with another serial.
            cut: names of those in whose place is one whose frames have half the height.
        """
        before, now = (self._swapped, self._cut), (frozenset(swapped), frozenset(cut))
        self._swapped, self._cut = now
        for name in (before[0] ^ now[0]) | (before[1] ^ now[1]):
            if name in self._feeds:
                self._feeds.pop(name).close()
                self._feeds[name] = FrameFeed(self._folder / name, self._header(name))

    def render(self, state: WorldState, offset_ns: int = 0) -> int:
        """Render one frame of every camera that somebody reads; return how many there were.

        Args:
            state: state of the world.
            offset_ns: by which the cameras' clocks are wrong.
        """
        self._number += 1
        readers = [name for name, feed in self._feeds.items() if feed.connected]
        if not readers:
            return 0
        model, data = self._simulator.model, self._simulator.data
        data.qpos[:] = state.qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        for name in readers:
            picture = self._simulator.render(name)[: self._feeds[name].header.height]
            self._feeds[name].send(state.stamp_ns + offset_ns, self._number, picture)
        return len(readers)

    def close(self) -> None:
        """Unplug all cameras."""
        self.plug(())
        self._simulator.close()

    def _header(self, name: str) -> FeedHeader:
        height, width = self._simulator.image_size
        focal = height / 2.0 / math.tan(self._simulator.field_of_view(name) / 2.0)
        rate = round(self._task.camera(name).rate)
        serial = (OTHER_SERIAL if name in self._swapped else SERIAL) + name
        height = height // 2 if name in self._cut else height
        return FeedHeader("Simulated D435", serial, width, height, rate, focal)


class Snapshot:
    """The state as the cameras see it: while the world stands still it is stamped again, as cameras
    continue without the robot."""

    def __init__(self) -> None:
        self._last: WorldState | None = None

    def stamped(self, state: WorldState | None) -> WorldState | None:
        """Return the state that a camera sees now; None before the first one."""
        last = self._last
        if state is None or (last is not None and state.stamp_ns <= last.stamp_ns):
            if last is None:
                return None
            state = replace(last, stamp_ns=time.time_ns())
        self._last = state
        return state
