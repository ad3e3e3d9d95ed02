"""Joins the messages of each step and turns them into the inputs of a reward."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from mentor_common.cell.cell_file import Cell
from mentor_common.messages.episode_start import episode_info
from mentor_common.messages.experience import (
    action_data,
    checked_nanoseconds,
    observation_pixels,
    time_to_nanoseconds,
)
from mentor_common.messages.join import JoinedStep, StepJoin, StepKey
from mentor_common.tasks.reward_model import EpisodeInfo, RewardNeeds, StampedImage, StepInputs
from mentor_common.tasks.task import Task
from mentor_msgs.msg import Action, EpisodeStart, GroundTruth, Motion, Observation
from mentor_reward.steps.history import History
from mentor_reward.steps.image_buffer import ImageBuffer

_KEPT = 256
_LONGEST_WAIT = 10.0  # seconds that a step waits for a motion whose publisher may be found late
_PUBLISHERS = {
    "observation": "stacker",
    "action": "agent",
    "ground_truth": "twin",
    "episode_start": "reset node",
}
K = TypeVar("K")
V = TypeVar("V")


class Refused(ValueError):
    """A message that contradicts itself or the task; it is dropped."""


@dataclass(frozen=True)
class ReadStep:
    """A step whose messages are there, or whose timeout has passed.

    Args:
        motion: motion that led to it.
        info: what the reset sampled for its episode.
        inputs: for the reward; None if something is missing.
        reason: what is missing, or how the motion failed; empty if nothing.
    """

    motion: Motion
    info: EpisodeInfo
    inputs: StepInputs | None
    reason: str = ""


class StepReader:
    """Joins motion, observation and whatever else a reward needs, by episode and step.

    Only steps with a motion are rewarded; messages of others are dropped after _LONGEST_WAIT.
    *History* is what was published before this reader started. An agent can still be waiting for
    the reward of its newest step only (see History).

    Args:
        task: task whose layout, axes and cameras the messages must have.
        needs: the messages that the reward asks for besides motion and observation.
        timeout: seconds after the motion of a step at which it is incomplete for good. What comes
            without a motion waits longer, and so does the newest step of history, for which an
            agent may be waiting: the topics of a publisher may be found seconds apart.
        matched: returns whether each topic that is read is matched with a publisher.
        cell: cell whose crops replace the task's; None: none do.

    Raises:
        ValueError: the reward needs a camera that the task does not reward, or a crop of the cell
            is refused.
    """

    def __init__(
        self,
        task: Task,
        needs: RewardNeeds,
        timeout: float,
        matched: Callable[[], bool] = lambda: True,
        cell: Cell | None = None,
    ) -> None:
        unknown = [name for name in needs.cameras if name not in task.rewarded_cameras]
        if unknown:
            raise ValueError(
                f"task {task.name}: its reward needs images of {unknown}, but only "
                f"{list(task.rewarded_cameras)} have rewarded: true"
            )
        self._task, self._layout = task, task.layout
        self._no_pose = np.full(len(task.workspace.axes), np.nan)
        optional = {
            "action": needs.action,
            "ground_truth": needs.ground_truth,
            "episode_start": needs.episode_start,
            "images": bool(needs.cameras),
        }
        every = ("motion", "observation", *(name for name, needed in optional.items() if needed))
        first = tuple(name for name in every if name != "action")
        self.join = StepJoin(every, needs=lambda step: every if step else first, timeout=timeout)
        self._parts = frozenset(every)
        self._matched = matched
        self._history = History()
        self._reading_history = True
        self._actions: _Recent[StepKey, Action] = _Recent()
        self._starts: _Recent[int, EpisodeInfo] = _Recent()
        self._ends: _Recent[StepKey, int] = _Recent()
        self._motions: _Recent[StepKey, float] = _Recent()  # when they arrived
        cell = cell or Cell()
        self._cameras = {
            name: cell.placed(task.camera(name), task.image_size(name)) for name in needs.cameras
        }
        self._buffers = {
            name: ImageBuffer(round(1e9 * camera.frame_tolerance))
            for name, camera in self._cameras.items()
        }

    # Messages come in. Each method raises Refused or ExperienceError for one that contradicts
    # itself or the task.

    def add_motion(self, message: Motion, now: float) -> None:
        """Take the motion that led to a step; ``now``: seconds of a clock that never goes back."""
        position = np.asarray(message.normalized)
        if position.shape not in ((0,), self._no_pose.shape) or not np.isfinite(position).all():
            raise Refused(
                f"a motion to {position.tolist()}; needs a finite number for each axis, or none"
            )
        checked_nanoseconds(message.begin, "a motion")
        key = StepKey(message.episode, message.step)
        self._ends[key] = checked_nanoseconds(message.end, "a motion")
        if not self._add("motion", key, message, now):
            return
        self._motions[key] = now
        for name, value in (
            ("action", self._actions.get(StepKey(key.episode, key.step - 1))),
            ("episode_start", self._starts.get(key.episode)),
        ):
            if value is not None and name in self._parts:
                self._add(name, key, value, now)
        self._add_images(now)

    def add_observation(self, message: Observation, now: float) -> None:
        """Take the observation of a step."""
        shape = observation_pixels(message).shape  # may raise ExperienceError, a refusal as well
        cameras = tuple(message.cameras)
        if shape != self._layout.shape or cameras != self._layout.cameras:
            raise Refused(
                f"an observation {shape} of {list(cameras)}; the task has {self._layout.shape} of "
                f"{list(self._layout.cameras)}"
            )
        self._add("observation", StepKey(message.episode, message.step), message, now)

    def add_action(self, message: Action, now: float) -> None:
        """Take the action that leads to the step after its own."""
        values = action_data(message)
        if values.shape != (len(self._task.action),) or not np.isfinite(values).all():
            raise Refused(f"an action {values.tolist()}; {len(self._task.action)} numbers needed")
        self._actions[StepKey(message.episode, message.step)] = message
        self._add_answer(StepKey(message.episode, message.step))
        key = StepKey(message.episode, message.step + 1)
        if "action" in self._parts and self._has_motion(key):
            self._add("action", key, message, now)

    def add_ground_truth(self, message: GroundTruth, now: float) -> None:
        """Take the true state of a step."""
        if len(message.names) != len(message.values) or not np.isfinite(message.values).all():
            raise Refused(f"a ground truth of {len(message.names)} names and {message.values}")
        if "ground_truth" in self._parts:
            self._add("ground_truth", StepKey(message.episode, message.step), message, now)

    def add_episode_start(self, message: EpisodeStart, now: float) -> None:
        """Take what a reset sampled for an episode."""
        try:
            info = episode_info(message, len(self._task.workspace.axes))
        except ValueError as error:
            raise Refused(str(error)) from error
        self._starts[info.episode] = info
        if "episode_start" in self._parts:
            for waiting in self.join:
                if waiting.key.episode == info.episode and "motion" in waiting.parts:
                    self._add("episode_start", waiting.key, info, now)

    def add_image(self, camera: str, image: StampedImage, now: float) -> None:
        """Take an image of a camera that the reward reads; it is cropped, unless it is already."""
        try:
            pixels = self._cameras[camera].cropped(image.pixels)
        except ValueError as error:
            raise Refused(str(error)) from error
        self._buffers[camera].add(StampedImage(image.stamp, pixels))
        self._add_images(now)

    def forget_images(self) -> None:
        """Drop the images that no step has: the clock was set back."""
        for buffer in self._buffers.values():
            buffer.clear()

    # Steps leave.

    def collect(self, now: float) -> list[ReadStep]:
        """Return the steps that are complete, or whose time is over, in their order."""
        if not self._history_is_over(now):
            return []
        self.join.outlives = lambda waiting: self._outlives(waiting, now)
        read = []
        for joined in self.join.collect(now):
            # The newest step of history may have had its reward, so it is never called incomplete.
            repeated = joined.key == self._history.newest and joined.missing
            if "motion" in joined.parts and not repeated:
                read.append(self._read(joined))
        episodes = list(dict.fromkeys(step.motion.episode for step in read))
        return sorted(read, key=lambda s: (episodes.index(s.motion.episode), s.motion.step))

    def finish(self, episode: int, step: int, reason: str) -> ReadStep | None:
        """Give up a step and return it; None if it is not pending, or while history is read."""
        if self._reading_history:
            return None
        joined = self.join.finish(episode, step)
        if joined is None or "motion" not in joined.parts:
            return None
        return ReadStep(joined.parts["motion"], self._info(episode), None, reason)

    @property
    def waiting(self) -> bool:
        """Whether time alone may complete something."""
        begun = self._reading_history and self._history.newest is not None
        return len(self.join) > 0 or begun

    def _history_is_over(self, now: float) -> bool:
        if self._reading_history and self._history.is_over(now, self._matched()):
            self._reading_history = False
            self.join.expects = self._history.is_new
            self._drop_history()
        return not self._reading_history

    def _outlives(self, waiting: JoinedStep, now: float) -> bool:
        since = self._motions.get(waiting.key)
        if since is None or waiting.key == self._history.newest:
            return now - waiting.since < _LONGEST_WAIT
        return now - since < self.join.timeout

    def _drop_history(self) -> None:
        self.join.drop(lambda key: not self._history.is_new(key))

    def _add_answer(self, key: StepKey) -> None:
        """Note an action: its step has had its reward."""
        if self._reading_history or key == self._history.newest:
            self._history.add_action(key)
            if not self._reading_history:
                self._drop_history()

    def _add(self, part: str, key: StepKey, value: Any, now: float) -> bool:
        if self._reading_history:
            self._history.add(key, now)
        return self.join.add(part, key.episode, key.step, value, now)

    def _has_motion(self, key: StepKey) -> bool:
        waiting = self.join.waiting(*key)
        return waiting is not None and "motion" in waiting.parts

    def _add_images(self, now: float) -> None:
        if not self._buffers:
            return
        for waiting in self.join:
            motion = waiting.parts.get("motion")
            if motion is None or "images" in waiting.parts:
                continue
            end = time_to_nanoseconds(motion.end)
            if all(buffer.covers(end) for buffer in self._buffers.values()):
                images = self._images(waiting.key, end)
                if all(images.values()):
                    self._add("images", waiting.key, images, now)

    def _images(self, key: StepKey, end: int) -> dict[str, tuple[StampedImage, ...]]:
        last_end = self._ends.get(StepKey(key.episode, key.step - 1))
        return {name: buffer.between(last_end, end) for name, buffer in self._buffers.items()}

    def _info(self, episode: int) -> EpisodeInfo:
        return self._starts.get(episode) or EpisodeInfo(episode)

    def _read(self, joined: JoinedStep) -> ReadStep:
        parts, motion = joined.parts, joined.parts["motion"]
        info = self._info(joined.key.episode)
        end = time_to_nanoseconds(motion.end)
        missing = [_from(part) for part in joined.missing if part != "images"]
        images = parts.get("images")
        if "images" in joined.missing:
            # A camera that is slow or has stopped may still have an image that is near enough.
            images = self._images(joined.key, end)
            missing += [f"image of camera '{name}'" for name in images if not images[name]]
        if missing:
            waited = f"in {self.join.timeout:g} s"
            reason = "; ".join(f"no {name} {waited}" for name in missing)
            return ReadStep(motion, info, None, reason)
        truth, action = parts.get("ground_truth"), parts.get("action")
        inputs = StepInputs(
            episode=motion.episode,
            step=motion.step,
            pose=np.array(motion.normalized, np.float64) if motion.normalized else self._no_pose,
            begin=time_to_nanoseconds(motion.begin),
            end=end,
            clipped=motion.clipped,
            frames=self._layout.newest_frames(observation_pixels(parts["observation"])),
            images=images or {},
            action=None if action is None else np.array(action_data(action)),
            ground_truth=None
            if truth is None
            else dict(zip(truth.names, truth.values, strict=True)),
        )
        return ReadStep(motion, info, inputs)


class _Recent(OrderedDict[K, V]):
    """The last few values by key; the oldest go first."""

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > _KEPT:
            self.popitem(last=False)


def _from(part: str) -> str:
    who = _PUBLISHERS.get(part)
    return part.replace("_", " ") + (f" from the {who}" if who else "")
