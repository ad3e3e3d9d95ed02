"""A real-world task: its YAML file as a frozen dataclass, validated (App. C).

``find_task("cable_routing")`` finds the file, ``load_task(path)`` reads it. Every wrong key,
type, range and cross reference is refused with the file, the key, the value and what is allowed.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from mentor_common.messages.frames import FrameLayout
from mentor_common.tasks.task_reward import Reward, read_reward
from mentor_common.tasks.workspace import AXES, Axis, Delta, Workspace
from mentor_common.tasks.yaml_fields import Fields, TaskError, parse_yaml, read_yaml

__all__ = ["Task", "TaskError", "find_task", "list_tasks", "load_task", "parse_task"]

TASK_PATH = "MENTOR_TASK_PATH"
"""Environment variable: folders that are searched for task files first, separated by ':'."""
MOMENTS = ("begin", "midpoint", "end")
ROUTINES = {
    "cable_routing": ("release_tension", "lift", "move_to_start", "wait_until_still"),
    "peg_insertion": (
        "lift", "go_to_shelf", "put_peg", "take_peg", "move_to_start", "wait_until_still"
    ),
    "tabletop_golf": ("lift", "collect_ball", "move_to_start", "wait_until_still"),
}  # fmt: skip
"""The reset routines and the stages that each knows, in the order in which they can run."""


@dataclass(frozen=True)
class Camera:
    """A camera of the cell.

    Args:
        name: also its namespace: images come on ``camera/<name>/color/image_raw``.
        width: pixels of the capture.
        height: pixels of the capture.
        rate: images per second.
        observed: whether the policy sees it; else it serves the reward only.
        rewarded: whether the reward is computed from it.
        max_age: seconds between a wanted moment and its nearest image, beyond which it is missing.
    """

    name: str
    width: int
    height: int
    rate: float
    observed: bool
    rewarded: bool
    max_age: float

    @property
    def topic(self) -> str:
        """Relative name of the image topic."""
        return f"camera/{self.name}/color/image_raw"


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
        routine: name of the routine.
        stages: its stages, in order.
        start: per workspace axis, normalised bounds from which the start is drawn uniformly.
        lift: height above the place where the episode ended, normalised z; None without a z axis.
        speed: share of the arm's speed limit.
        still_time: seconds for which nothing may move before the episode begins.
        still_distance: what counts as still, normalised units.
        timeout: seconds of wall time for the whole routine.
        attempts: how often a failed routine is tried before the reset fails.
    """

    routine: str
    stages: tuple[str, ...]
    start: dict[str, tuple[float, float]]
    lift: float | None
    speed: float
    still_time: float
    still_distance: float
    timeout: float
    attempts: int


@dataclass(frozen=True)
class Task:
    """Everything that the crafts must agree on about one task."""

    name: str
    description: str
    file: str
    cameras: tuple[Camera, ...]
    frame_height: int
    frame_width: int
    workspace: Workspace
    action: tuple[ActionDimension, ...]
    reward: Reward
    episode: Episode
    reset: Reset

    @property
    def observed_cameras(self) -> tuple[str, ...]:
        """Names of the cameras that the policy sees, in the order of the observation."""
        return tuple(camera.name for camera in self.cameras if camera.observed)

    @property
    def layout(self) -> FrameLayout:
        """The observation: begin, midpoint and end of the last motion per observed camera."""
        return FrameLayout(
            self.observed_cameras, len(MOMENTS), self.frame_height, self.frame_width, False
        )

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the action dimensions, in order."""
        return tuple(dimension.name for dimension in self.action)

    @property
    def deltas(self) -> tuple[Delta | None, ...]:
        """What each action dimension moves, for :meth:`Workspace.next_target`."""
        return tuple(dimension.delta for dimension in self.action)

    def camera(self, name: str) -> Camera:
        """The camera of that name."""
        for camera in self.cameras:
            if camera.name == name:
                return camera
        known = [camera.name for camera in self.cameras]
        raise KeyError(f"task {self.name} has no camera '{name}'; known: {known}")


def task_folders() -> list[Path]:
    """Where task files are looked for: $MENTOR_TASK_PATH, then the share of mentor_bringup."""
    folders = [Path(part) for part in os.environ.get(TASK_PATH, "").split(os.pathsep) if part]
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        if prefix:
            folders.append(Path(prefix) / "share" / "mentor_bringup" / "tasks")
    return folders


def list_tasks() -> dict[str, Path]:
    """Task files by name; the first folder that holds a name wins."""
    found: dict[str, Path] = {}
    for folder in task_folders():
        for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
            found.setdefault(path.stem, path)
    return found


def find_task(name: str) -> Task:
    """The task of that name, or of that file if the name ends in .yaml.

    Raises: TaskError if there is none, or if its file is refused.
    """
    if name.endswith((".yaml", ".yml")):
        return load_task(Path(name))
    known = list_tasks()
    if name not in known:
        searched = ", ".join(str(folder) for folder in task_folders()) or "nowhere"
        raise TaskError(
            f"task '{name}' is unknown; known: {sorted(known)}; searched: {searched} "
            f"(build and source the workspace, or set {TASK_PATH})"
        )
    return load_task(known[name])


def load_task(path: Path | str) -> Task:
    """The task of a YAML file, validated. Raises: TaskError."""
    path = Path(path)
    fields = read_yaml(path)
    return _read_task(fields, str(path), path.stem)


def parse_task(text: str, file: str = "(text)") -> Task:
    """The task of a YAML text, validated. Raises: TaskError."""
    return _read_task(parse_yaml(text, file), file, None)


def _read_task(fields: Fields, file: str, stem: str | None) -> Task:
    name = fields.name("name")
    if stem is not None and name != stem:
        raise fields.refuse("name", name, f"the name of its file, '{stem}'")
    workspace = _read_workspace(fields.section("workspace"))
    frames = fields.section("frames")
    if frames.names("moments", 3, MOMENTS) != MOMENTS:
        raise frames.refuse("moments", "another order", f"{list(MOMENTS)}, in this order")
    height, width = frames.integer("height", 8, 1024), frames.integer("width", 8, 1024)
    frames.end()
    cameras = _read_cameras(fields)
    task = Task(
        name=name,
        description=fields.text("description"),
        file=file,
        cameras=cameras,
        frame_height=height,
        frame_width=width,
        workspace=workspace,
        action=_read_action(fields, workspace),
        reward=read_reward(
            fields.section("reward"),
            tuple(camera.name for camera in cameras if camera.rewarded),
            workspace.names,
        ),
        episode=_read_episode(fields.section("episode")),
        reset=_read_reset(fields.section("reset"), workspace),
    )
    fields.end()
    return task


def _read_cameras(fields: Fields) -> tuple[Camera, ...]:
    cameras: list[Camera] = []
    for item in fields.sections("cameras"):
        name = item.name("name")
        if name in [camera.name for camera in cameras]:
            raise item.refuse("name", name, "a name that no other camera has")
        camera = Camera(
            name=name,
            width=item.integer("width", 84, 8192),
            height=item.integer("height", 84, 8192),
            rate=item.number("rate", 0.0, 1000.0, above=True),
            observed=item.flag("observed"),
            rewarded=item.flag("rewarded"),
            max_age=item.number("max_age", 0.0, 10.0, above=True),
        )
        if not camera.observed and not camera.rewarded:
            raise item.refuse("observed", False, "true, or rewarded: true; else nobody uses it")
        cameras.append(camera)
        item.end()
    if not any(camera.observed for camera in cameras):
        raise fields.refuse("cameras", [], "at least one camera with observed: true")
    return tuple(cameras)


def _read_workspace(fields: Fields) -> Workspace:
    axes: list[Axis] = []
    for item in fields.sections("axes"):
        name = item.choice("name", AXES)
        if name in [axis.name for axis in axes]:
            raise item.refuse("name", name, "an axis that is not there yet")
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


def _read_action(fields: Fields, workspace: Workspace) -> tuple[ActionDimension, ...]:
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


def _read_episode(fields: Fields) -> Episode:
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


def _read_reset(fields: Fields, workspace: Workspace) -> Reset:
    routine = fields.choice("routine", tuple(ROUTINES))
    stages = fields.names("stages", 1, ROUTINES[routine])
    order = [stage for stage in ROUTINES[routine] if stage in stages]
    if list(stages) != order:
        raise fields.refuse("stages", list(stages), f"the order {order}")
    if "move_to_start" not in stages:
        raise fields.refuse("stages", list(stages), "stages with move_to_start among them")
    section = fields.section("start")
    start = {name: section.interval(name, -1.0, 1.0) for name in workspace.names}
    section.end()
    lift = fields.number("lift", 0.0, 2.0) if "lift" in stages else None
    if lift is not None and "z" not in workspace.names:
        raise fields.refuse("stages", list(stages), "no lift, as the workspace has no axis z")
    reset = Reset(
        routine=routine,
        stages=stages,
        start=start,
        lift=lift,
        speed=fields.number("speed", 0.0, 1.0, above=True),
        still_time=fields.number("still_time", 0.0, 60.0),
        still_distance=fields.number("still_distance", 0.0, 1.0, above=True),
        timeout=fields.number("timeout", 0.0, 3600.0, above=True),
        attempts=fields.integer("attempts", 1, 100),
    )
    fields.end()
    return reset
