"""The protocol of a task's reset routine: parts that are carried out one after the other.

A routine is a plug-in of group ``mentor.routines``: a factory that takes the task. It knows what
is to be done and in which order; the reset node carries the parts out, so that a routine runs
unchanged on the arm, on a twin, and in a test without ROS.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from mentor_common.tasks.plugins import ROUTINES, load_plugin
from mentor_common.tasks.task import Task

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Options = Mapping[str, Any]
Returned = TypeVar("Returned")
BEGIN_EPISODE = "begin_episode"
"""Stage of the move that begins the episode, the last one of every routine."""


@dataclass(frozen=True)
class Staged:
    """What every part of a routine has.

    Args:
        stage: name of the stage to which it belongs; the first argument of every part.
    """

    stage: str


@dataclass(frozen=True)
class Move(Staged):
    """A move of the end effector.

    Args:
        target: normalised, (axes,); None: stay.
        movement: one of those that MoveTo.movement names, done first; empty: a plain move.
        begins_episode: whether the episode begins where it ends.
        options: with ``begins_episode``: what the reward must know of the episode, e.g.
            ``{"peg": "star"}``; published in EpisodeStart.
        speed: share of the arm's speed limit; None: that of the task file.
    """

    target: npt.ArrayLike | None = None
    movement: str = ""
    begins_episode: bool = False
    options: Options = field(default_factory=lambda: MappingProxyType({}))
    speed: float | None = None


@dataclass(frozen=True)
class Grip(Staged):
    """A command to the gripper.

    Args:
        command: as the action ``gripper`` has it; "grasp" fails if nothing of that width is held.
        width: metres between the fingers; 0: the server's default.
        force: newtons, for "grasp"; 0: the server's default.
        speed: metres per second; 0: the server's default.
    """

    command: Literal["homing", "grasp", "release"]
    width: float = 0.0
    force: float = 0.0
    speed: float = 0.0


@dataclass(frozen=True)
class Rest(Staged):
    """A wait until the end effector stands still.

    Args:
        seconds: for how long it may not move.
        distance: what counts as not moving, normalised.
    """

    seconds: float
    distance: float


@dataclass(frozen=True)
class Wait(Staged):
    """A wait for something outside the arm, e.g. for a ball to come back.

    A twin's time advances meanwhile, in lockstep too, as the arm is commanded to stay.

    Args:
        condition: polled from a worker thread until it is True.
        timeout: seconds of ROS time after which the part fails.
        waiting_for: what is awaited, for feedback, log and diagnostics.
    """

    condition: Callable[[], bool]
    timeout: float
    waiting_for: str


@dataclass(frozen=True)
class AskForHelp(Staged):
    """A request to a person; the reset waits until it is answered.

    Args:
        request: one line, what the person has to do.
        timeout: seconds of wall time after which the part fails; they do not count for the reset.
    """

    request: str
    timeout: float


@dataclass(frozen=True)
class Save(Staged):
    """State for the next reset, also after the reset node was killed.

    It is on the disk before the next part begins.

    Args:
        state: JSON values by name; replaces what was saved before.
    """

    state: Mapping[str, Any]


Part = Move | Rest | Grip | Wait | AskForHelp | Save


@dataclass(frozen=True)
class PartResult:
    """What a part led to.

    Args:
        position: position of the end effector, normalised, (axes,); None: no pose was received yet.
        grasped: whether the last command to the gripper left an object in it.
        width: metres between the fingers after it; NaN: the gripper did not carry it out.
    """

    position: Float64 | None = None
    grasped: bool = False
    width: float = 0.0


class PartFailed(RuntimeError):
    """A part that did not do what it should; raised inside the routine, where it was yielded.

    A routine that does not catch it has failed; the reset is then tried again.

    Args:
        part: the part.
        reason: why.
        result: what there is all the same, e.g. the width at which nothing was grasped.
    """

    def __init__(self, part: Part, reason: str, result: PartResult | None = None) -> None:
        super().__init__(f"stage '{part.stage}': {reason}")
        self.part, self.reason = part, reason
        self.result = result or PartResult()


@dataclass(frozen=True)
class ResetContext:
    """What a routine knows about the reset that it is to do.

    Args:
        start: where the episode is to begin, normalised, (axes,) float32.
        window_offset: window offset of the episode, normalised, (axes,) float32.
        random: for whatever else the routine samples; seeded as the episode is.
        options: options of the goal of ``reset_episode``, as ``ResetRoutine.options`` knows them.
        attempt: 1 for the first, more after a failure.
        saved: what :class:`Save` saved last; empty if nothing ever was.
        seed: seed that the reset's goal named: it alone is to decide what is sampled, so that
            nothing saved does; None: none.
        saved_in: the file of ``saved``, for errors.
    """

    start: Float32
    window_offset: Float32
    random: np.random.Generator
    options: Options = field(default_factory=lambda: MappingProxyType({}))
    attempt: int = 1
    saved: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    seed: int | None = None
    saved_in: str = ""


PartsThatReturn = Generator[Part, PartResult, Returned]
"""Yields parts and is sent what each led to; PartFailed is raised at the yield of one that failed.
Returns something to the routine that delegates to it by ``yield from``."""
Parts = PartsThatReturn[None]
"""The same without a result. The last part of a routine is a Move that begins the episode; only
Saves may follow it."""


class ResetRoutine(Protocol):
    """Brings the cell from the end of an episode to the start of the next."""

    options: Mapping[str, Sequence[Any]] = MappingProxyType({})
    """Values that it knows of each option that it reads; empty: any value. An option that is not
    among them is refused by name before the routine begins."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of its stages, in order; BEGIN_EPISODE is not among them."""
        ...

    def parts(self, context: ResetContext) -> Parts:
        """Begin an attempt."""
        ...

    def open(self, node: Any) -> None:
        """Connect to devices beside the arm; called when the node is configured.

        Args:
            node: the reset node, a CellNode; None where there is no ROS.
        """

    def close(self) -> None:
        """Release what ``open`` took."""


class RoutineFactory(Protocol):
    """What an entry point of ``mentor.routines`` names, e.g. the class of a ResetRoutine."""

    def __call__(self, task: Task) -> ResetRoutine:
        """Return the task's routine; reads ``task.reset.settings`` to their end.

        Raises:
            TaskError: the section ``reset.settings`` of the task file is refused.
        """
        ...


def make_routine(task: Task) -> ResetRoutine:
    """Return the routine that a task names.

    Raises:
        PluginError: no such routine is installed.
        TaskError: it refuses the task file.
    """
    factory: RoutineFactory = load_plugin(ROUTINES, task.reset.routine)
    return factory(task)


def check_options(options: Options, known: Mapping[str, Sequence[Any]], source: str) -> None:
    """Refuse options of a reset that its routine does not read.

    Args:
        options: by name.
        known: options of the routine, see ``ResetRoutine.options``.
        source: where the options are from, for the error.

    Raises:
        ValueError: the routine does not know an option, or its value.
    """
    names = ", ".join(f"'{name}'" for name in known) or "none"
    for name, value in options.items():
        if name not in known:
            raise ValueError(
                f"{source}: option '{name[:80]}' is unknown; known: {names}; leave it out (a "
                "routine names in `options` those that it reads)"
            )
        if known[name] and value not in known[name]:
            values = ", ".join(str(each) for each in known[name])
            shown = repr(value)[:80]
            raise ValueError(f"{source}: option '{name}': {shown} is unknown; known: {values}")
