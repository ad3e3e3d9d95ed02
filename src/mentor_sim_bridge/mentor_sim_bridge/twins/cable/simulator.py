"""The cell as the body of an agent: which commands it takes, and what it shows while it moves.

Free of ROS: the node carries messages in and out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np

from mentor_sim_bridge.twins.cable.cell import CableCell, MotionOutcome

SLICE = 0.1
"""Seconds of a plain move between two looks whether it is to go on."""
SETTLE = 1.0
"""Seconds in which the arm must come to rest at the end of a plain move."""
ARRIVED = 0.03
"""Distance from the target, normalised, that counts as there."""
ROUTINES = ("release_tension", "recover", "regrasp")


class Verdict(Enum):
    """What became of an action; the values name the counters."""

    MOVED = "actions carried out"
    STRAY = "actions of another step or episode dropped"
    LATE = "actions past their deadline dropped"
    MALFORMED = "malformed actions dropped"
    IN_FAULT = "actions during a fault dropped"


class MoveFailed(RuntimeError):
    """A move that did not come to its end, and why."""


@dataclass(frozen=True)
class Command:
    """An action as it came; times in nanoseconds of simulated time."""

    episode: int
    step: int
    data: np.ndarray
    stamp: int
    deadline: int


class Outlet(Protocol):
    """Where the body shows what it does."""

    def show(self, pictures: bool) -> None:
        """The cell's state of this moment, with a frame of each camera if `pictures`."""

    def moved(self, episode: int, step: int, outcome: MotionOutcome) -> None:
        """The motion that led to a step is over."""


class CableBody:
    """Carries out actions and moves, one at a time.

    Args:
        cell: the physics.
        outlet: told of every moment that others must see.
    """

    def __init__(self, cell: CableCell, outlet: Outlet) -> None:
        self.cell = cell
        self._outlet = outlet
        self.episode = 0
        self.step = 0
        self._pictured = -1

    def take(self, command: Command) -> tuple[Verdict, str]:
        """Carries out an action if it is for the running step, in time and sound; else says why."""
        if (command.episode, command.step) != (self.episode, self.step) or self.episode == 0:
            awaited = f"({self.episode}, {self.step})" if self.episode else "no episode"
            return Verdict.STRAY, f"({command.episode}, {command.step}) came, {awaited} is awaited"
        if self.cell.fault:
            return Verdict.IN_FAULT, f"{self.cell.fault}; call move_to with routine 'recover'"
        if command.data.shape != (2,) or not np.isfinite(command.data).all():
            return Verdict.MALFORMED, f"{command.data.tolist()}: two finite numbers are needed"
        age = self.cell.time - command.stamp
        if age > command.deadline:
            return Verdict.LATE, f"{age / 1e9:.3f} s old, at most {command.deadline / 1e9:g} s"
        self._picture()
        outcome = self.cell.act(command.data, self._picture)
        self._picture()
        self.step += 1
        self._outlet.moved(self.episode, self.step, outcome)
        return Verdict.MOVED, outcome.reason

    def begin_episode(self, episode: int, seed: int | None, start: np.ndarray) -> np.ndarray:
        """Sets up an episode that begins at `start`, (2,) normalised; returns where it stands."""
        self._refuse_fault()
        self.end_episode()
        self.cell.reset(seed, start)
        self._picture()
        self.episode, self.step = episode, 0
        now, place = self.cell.time, self.cell.normalized
        # All three frames of the first observation are of this one moment.
        self._outlet.moved(episode, 0, MotionOutcome(now, now, False, False, "", place))
        return place

    def end_episode(self) -> None:
        """No action is awaited any more."""
        self.episode = self.step = 0

    def run_routine(self, name: str) -> np.ndarray:
        """One of ROUTINES; returns where the end effector stands.

        Raises:
            ValueError: the routine is unknown.
            MoveFailed: the cell has a fault that this routine does not end.
        """
        if name not in ROUTINES:
            raise ValueError(f"routine '{name}' is unknown; known: {', '.join(ROUTINES)}")
        self.end_episode()
        if name == "release_tension":
            self._refuse_fault()
            # The spring between the arm and its target is let go.
            self.cell.move(self.cell.normalized, SLICE)
        elif self.cell.fault or name == "regrasp":
            self.cell.recover()
        self._outlet.show(pictures=False)
        return self.cell.normalized

    def go(
        self,
        target: np.ndarray,
        seconds: float,
        timeout: float,
        go_on: Callable[[np.ndarray, float], None],
    ) -> np.ndarray:
        """Moves straight to `target`, (2,) normalised, in `seconds`; ends a running episode.

        Args:
            target: cut back to the workspace.
            seconds: duration.
            timeout: seconds after which the move fails.
            go_on: told position and distance to the target after each slice; may raise to stop.

        Raises:
            MoveFailed: a fault, or the timeout.
        """
        self._refuse_fault()
        self.end_episode()
        last = np.clip(target, -1.0, 1.0)
        began = looked = self.cell.time
        pace = self.cell.on_pace

        def look() -> None:
            nonlocal looked
            if pace is not None:
                pace()
            if self.cell.time - looked >= SLICE * 1e9:
                looked = self.cell.time
                if looked - began > timeout * 1e9:
                    raise MoveFailed(f"not there after {timeout:g} s, the timeout")
                self._outlet.show(pictures=False)
                go_on(self.cell.normalized, self._distance(last))

        self.cell.on_pace = look
        try:
            self.cell.move(last, max(seconds, SLICE))
            while self._distance(last) > ARRIVED and not self.cell.fault:
                if self.cell.time - began > (seconds + SETTLE) * 1e9:
                    raise MoveFailed(f"{self._distance(last):.3f} off the target, normalised")
                self.cell.hold(SLICE)
        except BaseException:
            self.cell.stop()
            raise
        finally:
            self.cell.on_pace = pace
            self._outlet.show(pictures=False)
        self._refuse_fault()
        return self.cell.normalized

    def idle(self, seconds: float) -> None:
        """Lets time pass (in real time, the world goes on while nobody acts)."""
        self.cell.hold(seconds)

    def _distance(self, target: np.ndarray) -> float:
        return float(np.linalg.norm(target - self.cell.normalized))

    def _picture(self) -> None:
        """Shows the cell with pictures, once a moment."""
        if self.cell.time != self._pictured:
            self._pictured = self.cell.time
            self._outlet.show(pictures=True)

    def _refuse_fault(self) -> None:
        if self.cell.fault:
            raise MoveFailed(f"{self.cell.fault}; call move_to with routine 'recover'")
