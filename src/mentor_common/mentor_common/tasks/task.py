"""A real-world task: its YAML file as a frozen dataclass, validated (App. C).

``find_task("cable_routing")`` finds the file, ``load_task(path)`` reads it. Every wrong key,
type, range and cross reference is refused with the file, the key, the value and what is allowed.
The sections ``reward`` and ``reset.settings`` are read by the plug-ins that the file names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mentor_common.messages.frames import FrameLayout
from mentor_common.tasks.arm_section import ArmSection, read_arm
from mentor_common.tasks.cameras import Camera, Crop, read_cameras
from mentor_common.tasks.task_sections import (
    ActionDimension,
    Episode,
    Reset,
    RewardSection,
    read_action,
    read_episode,
    read_reset,
    read_reward,
    read_window_offset,
    read_workspace,
)
from mentor_common.tasks.workspace import Delta, Float64, Workspace
from mentor_common.tasks.yaml_fields import Fields, TaskError, parse_yaml, read_yaml

__all__ = [
    "ActionDimension",
    "Camera",
    "Crop",
    "Episode",
    "Reset",
    "RewardSection",
    "Task",
    "TaskError",
    "find_task",
    "list_tasks",
    "load_task",
    "parse_task",
]

TASK_PATH = "MENTOR_TASK_PATH"
"""Environment variable: folders that are searched for task files first, separated by ':'."""
MOMENTS = ("begin", "midpoint", "end")


@dataclass(frozen=True)
class Task:
    """Everything that the packages must agree on about one task.

    Args:
        name: name of the task and of its file.
        description: one line.
        file: where it was read.
        cameras: in the order of the observation.
        frame_height: height of an observation's frames, pixels.
        frame_width: width of an observation's frames, pixels.
        workspace: the axes that the end effector moves on.
        action: the dimensions of the action, in order.
        reward: the reward's plug-in and what it reads.
        episode: times and lengths.
        reset: the routine's plug-in and what it reads.
        twin: name of the plug-in in group ``mentor.twins``.
        window_offset: per axis, the interval from which an episode draws the offset of its
            workspace window, normalised.
        preset: preset of mentor_policy, with which an agent trains unless another is chosen; None:
            robot.
        arm: stiffness and limits of a real arm.
    """

    name: str
    description: str
    file: str
    cameras: tuple[Camera, ...]
    frame_height: int
    frame_width: int
    workspace: Workspace
    action: tuple[ActionDimension, ...]
    reward: RewardSection
    episode: Episode
    reset: Reset
    twin: str
    window_offset: dict[str, tuple[float, float]]
    preset: str | None
    arm: ArmSection

    @property
    def observed_cameras(self) -> tuple[str, ...]:
        """Return the names of the cameras that the policy sees, in the order of the observation."""
        return tuple(camera.name for camera in self.cameras if camera.observed)

    @property
    def layout(self) -> FrameLayout:
        """Return the shape of an observation: begin, midpoint and end of a motion per camera."""
        return FrameLayout(
            self.observed_cameras, len(MOMENTS), self.frame_height, self.frame_width, False
        )

    @property
    def action_names(self) -> tuple[str, ...]:
        """Return the names of the action dimensions, in order."""
        return tuple(dimension.name for dimension in self.action)

    @property
    def deltas(self) -> tuple[Delta | None, ...]:
        """Return what each action dimension moves, for :meth:`Workspace.next_target`."""
        return tuple(dimension.delta for dimension in self.action)

    @property
    def reach(self) -> tuple[Float64, Float64]:
        """The least and the greatest x, y, z, r of all episodes' windows, (4,) each; metres and
        radians."""
        moved = [self.window_offset.get(name, (0.0, 0.0)) for name in self.workspace.names]
        low, high = np.array(moved).T
        return (
            self.workspace.xyzr(-1.0 + np.minimum(low, 0.0)),
            self.workspace.xyzr(1.0 + np.maximum(high, 0.0)),
        )

    def camera(self, name: str) -> Camera:
        """Return the camera of that name. Raises: KeyError."""
        for camera in self.cameras:
            if camera.name == name:
                return camera
        known = [camera.name for camera in self.cameras]
        raise KeyError(f"task {self.name} has no camera '{name}'; known: {known}")

    @property
    def rewarded_cameras(self) -> tuple[str, ...]:
        """Return the names of the cameras from which the reward is computed."""
        return tuple(camera.name for camera in self.cameras if camera.rewarded)

    def image_size(self, camera: str) -> tuple[int, int]:
        """Return height and width at which a camera's images are used: those of a frame, or twice
        as much where the reward alone sees them; pixels."""
        scale = 1 if self.camera(camera).observed else 2
        return scale * self.frame_height, scale * self.frame_width


def task_folders() -> list[Path]:
    """Return where task files are searched: $MENTOR_TASK_PATH, then share/<package>/tasks of every
    package, mentor_bringup's first.

    Raises:
        TaskError: a folder of $MENTOR_TASK_PATH does not exist.
    """
    folders = [Path(part) for part in os.environ.get(TASK_PATH, "").split(os.pathsep) if part]
    for folder in folders:
        if not folder.is_dir():  # the task of the next folder would be taken, with other limits
            raise TaskError(f"{TASK_PATH}: folder {folder} does not exist; correct it or unset it")
    shares = package_folders("tasks")
    return folders + sorted(shares, key=lambda folder: folder.parent.name != "mentor_bringup")


def package_folders(kind: str) -> list[Path]:
    """Return share/<package>/<kind> of every package, those of the last sourced workspace first."""
    folders: list[Path] = []
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        if prefix:
            folders += sorted((Path(prefix) / "share").glob(f"*/{kind}"))
    return folders


def list_tasks() -> dict[str, Path]:
    """Return the task files by name; the first folder that holds a name wins. Raises: TaskError."""
    found: dict[str, Path] = {}
    for folder in task_folders():
        for path in sorted(folder.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def find_task(name: str) -> Task:
    """Return the task of that name, or of that file if the name ends in .yaml.

    Raises:
        TaskError: there is none, or its file is refused.
    """
    if name.endswith((".yaml", ".yml")):
        return load_task(Path(name))
    known = list_tasks()
    if not name:
        raise TaskError(f"no task is named; known: {sorted(known)}, or the path of a YAML file")
    if name not in known:
        searched = ", ".join(str(folder) for folder in task_folders()) or "nowhere"
        raise TaskError(
            f"task '{name}' is unknown; known: {sorted(known)}; searched: {searched} "
            f"(build and source the workspace, or set {TASK_PATH})"
        )
    return load_task(known[name])


def load_task(path: Path | str) -> Task:
    """Read a task file. Raises: TaskError."""
    path = Path(path)
    fields = read_yaml(path)
    return _read_task(fields, str(path), path.stem)


def parse_task(text: str, file: str = "(text)", *, former_names: bool = False) -> Task:
    """Read a task from YAML text.

    Args:
        text: YAML.
        file: its name in refusals.
        former_names: whether keys may have the names of earlier versions, as in a bag.

    Raises:
        TaskError: it is no task.
    """
    return _read_task(parse_yaml(text, file, former_names=former_names), file, None)


def _read_task(fields: Fields, file: str, stem: str | None) -> Task:
    name = fields.name("name")
    if stem is not None and name != stem:
        raise fields.refuse("name", name, f"the name of its file, '{stem}'")
    workspace = read_workspace(fields.section("workspace"))
    frames = fields.section("frames")
    if frames.names("moments", 3, MOMENTS) != MOMENTS:
        raise frames.refuse("moments", "another order", f"{list(MOMENTS)}, in this order")
    height, width = frames.integer("height", 8, 1024), frames.integer("width", 8, 1024)
    frames.end()
    task = Task(
        name=name,
        description=fields.text("description"),
        file=file,
        cameras=read_cameras(fields),
        frame_height=height,
        frame_width=width,
        workspace=workspace,
        action=read_action(fields, workspace),
        reward=read_reward(fields.section("reward")),
        episode=read_episode(fields.section("episode")),
        reset=read_reset(fields.section("reset"), workspace),
        twin=fields.name("twin") if fields.has("twin") else name,
        window_offset=read_window_offset(fields, workspace),
        preset=fields.name("preset") if fields.has("preset") else None,
        arm=read_arm(fields),
    )
    fields.end()
    return task
