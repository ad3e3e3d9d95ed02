"""The sections of a task file that are alike in all tasks, as dataclasses, and their readers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mentor_common.tasks.workspace import AXES, Axis, Delta, Workspace
from mentor_common.tasks.yaml_fields import Fields

Interval = tuple[float, float]


@dataclass(frozen=True)
class RewardSection:
    """The section ``reward``, which the reward's plug-in reads.

    Args:
        kind: name of the plug-in in group ``mentor.rewards``.
        fields: the whole section, ``kind`` already read.
    """

    kind: str
    fields: Fields


@dataclass(frozen=True)
class ActionDimension:
    """One dimension of the action, in [-1, 1].

    ``delta`` is the axis that it moves and the divisor (App. C.2); None for a strike, which
    swings with strength proportional to the value if that is above 0.
    """

    name: str
    delta: Delta | None


@dataclass(frozen=True)
class Episode:
    """Time in an episode. Seconds of ROS time, but for ``step_timeout`` (wall time).

    Args:
        max_steps: steps after which an episode is truncated.
        period: nominal duration of a step.
        action_deadline: how long after its stamp an action may still begin to move the arm.
        step_timeout: how long whoever waits for a step waits before calling it lost.
    """

    max_steps: int
    period: float
    action_deadline: float
    step_timeout: float


@dataclass(frozen=True)
class Reset:
    """The routine between two episodes (App. C.4).

    Args:
        routine: name of its plug-in in group ``mentor.routines``.
        settings: what that plug-in reads besides; empty where the file has none.
        start: per workspace axis, normalised bounds from which the start is sampled uniformly.
        speed: share of the arm node's ``max_speed``.
        still_time: seconds for which nothing may move before the episode begins.
        still_distance: what counts as still, normalised units.
        timeout: seconds of wall time for the whole routine.
        attempts: how often a failed routine is tried before the reset fails.
    """

    routine: str
    settings: Fields
    start: dict[str, Interval]
    speed: float
    still_time: float
    still_distance: float
    timeout: float
    attempts: int


def read_workspace(fields: Fields) -> Workspace:
    """Read the section ``workspace``. Raises: TaskError."""
    axes: list[Axis] = []
    for item in fields.sections("axes"):
        name = item.choice("name", AXES)
        if name in [axis.name for axis in axes]:
            raise item.refuse("name", name, "an axis that is not named twice")
        unit = item.choice("unit", ("pi",) if name == "r" else ("m",))
        bound = 1.0 if unit == "pi" else 3.0
        low, high = item.number("low", -bound, bound), item.number("high", -bound, bound)
        if not low < high:
            raise item.refuse("high", high, f"a number above low, which is {low:g}")
        scale = math.pi if unit == "pi" else 1.0
        axes.append(Axis(name, low * scale, high * scale))
        item.end()
    names = [axis.name for axis in axes]
    fixed = [0.0, 0.0, 0.0, 0.0]
    rest = [name for name in AXES if name not in names]
    if rest:
        section = fields.section("fixed")
        for name in rest:
            bound = 1.0 if name == "r" else 3.0
            value = section.number(name, -bound, bound)
            fixed[AXES.index(name)] = value * math.pi if name == "r" else value
        section.end()
    workspace = Workspace(
        fields.text("frame"), tuple(axes), (fixed[0], fixed[1], fixed[2], fixed[3])
    )
    fields.end()
    return workspace


def read_action(fields: Fields, workspace: Workspace) -> tuple[ActionDimension, ...]:
    """Read the list ``action``. Raises: TaskError."""
    dimensions: list[ActionDimension] = []
    moved: list[str] = []
    for item in fields.sections("action"):
        name = item.name("name")
        if name in [dimension.name for dimension in dimensions]:
            raise item.refuse("name", name, "a name that no other dimension has")
        delta = None
        if item.choice("kind", ("delta", "strike")) == "delta":
            axis = item.choice("axis", workspace.names)
            if axis in moved:
                raise item.refuse("axis", axis, "an axis that no other dimension moves")
            moved.append(axis)
            delta = Delta(axis, item.number("divisor", 1.0, 1000.0))
        elif any(dimension.delta is None for dimension in dimensions):
            raise item.refuse("kind", "strike", "one strike at most")
        dimensions.append(ActionDimension(name, delta))
        item.end()
    for axis in workspace.names:
        if axis not in moved:
            raise fields.refuse("action", moved, f"a dimension of kind delta for the axis '{axis}'")
    return tuple(dimensions)


def read_episode(fields: Fields) -> Episode:
    """Read the section ``episode``. Raises: TaskError."""
    episode = Episode(
        max_steps=fields.integer("max_steps", 1, 1_000_000),
        period=fields.number("period", 0.0, 60.0, above=True),
        action_deadline=fields.number("action_deadline", 0.0, 60.0, above=True),
        step_timeout=fields.number("step_timeout", 0.0, 600.0, above=True),
    )
    if episode.step_timeout <= episode.period:
        raise fields.refuse(
            "step_timeout", episode.step_timeout, f"more than the period, {episode.period:g} s"
        )
    fields.end()
    return episode


def read_reward(fields: Fields) -> RewardSection:
    """Read the kind of the section ``reward`` and leave the rest to its plug-in."""
    return RewardSection(fields.name("kind"), fields)


def read_reset(fields: Fields, workspace: Workspace) -> Reset:
    """Read the section ``reset``, but for its ``settings``. Raises: TaskError."""
    section = fields.section("start")
    start = {name: section.interval(name, -1.0, 1.0) for name in workspace.names}
    section.end()
    reset = Reset(
        routine=fields.name("routine"),
        settings=fields.section("settings", optional=True),
        start=start,
        speed=fields.number("speed", 0.0, 1.0, above=True),
        still_time=fields.number("still_time", 0.0, 60.0),
        still_distance=fields.number("still_distance", 0.0, 1.0, above=True),
        timeout=fields.number("timeout", 0.0, 3600.0, above=True),
        attempts=fields.integer("attempts", 1, 100),
    )
    fields.end()
    return reset


def read_window_offset(fields: Fields, workspace: Workspace) -> dict[str, Interval]:
    """Read the optional section ``window_offset``; an axis that it leaves out keeps its bounds."""
    section = fields.section("window_offset", optional=True)
    offset = {
        name: section.interval(name, -1.0, 1.0) if section.has(name) else (0.0, 0.0)
        for name in workspace.names
    }
    section.end()
    return offset
