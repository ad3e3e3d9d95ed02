"""The protocol of a task's reward: what it is given after each step, and what it returns.

A reward is a plug-in of group ``mentor.rewards``: a factory that takes the task and
:class:`RewardOptions`. The reward node, and environments in the same process, call it alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from mentor_common.tasks.plugins import REWARDS, load_plugin
from mentor_common.tasks.task import Task

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
States = Literal["sensors", "ground_truth"]


@dataclass(frozen=True)
class RewardOptions:
    """How a reward is to be computed, besides what the task file sets.

    Args:
        states: from the cell's own sensors, or from the ground truth of a twin.
        weights: folder of learned weights (classifiers, calibration); empty: those of the package.
        threads: threads that it may use.
    """

    states: States = "sensors"
    weights: str = ""
    threads: int = 1


@dataclass(frozen=True)
class RewardNeeds:
    """What a reward must be given for each step, besides its motion and its observation. A step
    without it is not valid.

    Args:
        cameras: reward-only cameras of the task whose images are needed.
        action: the action that led to the step.
        ground_truth: the values that a twin publishes.
        episode_start: what the reset sampled, with its options; steps wait for it.
    """

    cameras: tuple[str, ...] = ()
    action: bool = False
    ground_truth: bool = False
    episode_start: bool = False


@dataclass(frozen=True)
class StampedImage:
    """An image of a camera, cropped to the region that is used.

    Args:
        stamp: nanoseconds of ROS time.
        pixels: (H, W, 3) uint8 RGB.
    """

    stamp: int
    pixels: UInt8


@dataclass(frozen=True)
class EpisodeInfo:
    """An episode that begins, as far as it is known.

    Args:
        episode: its number.
        seed: seed of its randomisation; None: not seeded.
        start: where the end effector begins, normalised, (axes,) float32; None: unknown.
        window_offset: offset of the workspace window, normalised, (axes,) float32; None: none.
        options: options of the reset and its routine, e.g. which peg is in the hand.
    """

    episode: int
    seed: int | None = None
    start: Float32 | None = None
    window_offset: Float32 | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class StepInputs:
    """What is known of one step, as far as the reward's needs ask for it.

    Args:
        episode: number of the episode.
        step: the step that was reached; 0 after a reset.
        pose: normalised position of the end effector, (axes,), not bounded to [-1, 1]; NaN where
            the arm publishes none.
        begin: when its motion began, nanoseconds of ROS time.
        end: when its motion was done.
        clipped: as in Motion: the action or its target was clipped.
        frames: the newest frame of each observed camera, (H, W, 3) uint8 RGB as the policy sees it.
        images: images of each needed reward-only camera, those since the end of the last step,
            oldest first; the last one is the first at or after ``end``, or the nearest before it.
        action: the action that led here, (action_size,) float32; None at step 0 or if not needed.
        ground_truth: the twin's values by name; None unless needed.
    """

    episode: int
    step: int
    pose: Float64
    begin: int
    end: int
    clipped: bool = False
    frames: Mapping[str, UInt8] = field(default_factory=dict)
    images: Mapping[str, tuple[StampedImage, ...]] = field(default_factory=dict)
    action: Float32 | None = None
    ground_truth: Mapping[str, float] | None = None


@dataclass(frozen=True)
class StepReward:
    """The reward of one step.

    Args:
        value: the reward.
        terms: the named terms that make it up.
        terminated: whether the step led to a terminal state.
        truncated: whether the episode is cut off here, though its state has a future.
        success: the episode's success as it stands.
        valid: False: nothing may be learned from the step, and the episode is cut off.
        reason: why it is not valid.
        states: what the terms were computed from, by name, for people to see: a class as its index
            and its probability, an error of the pose, where the ball is and how old that is.
    """

    value: float
    terms: Mapping[str, float] = field(default_factory=dict)
    terminated: bool = False
    truncated: bool = False
    success: bool = False
    valid: bool = True
    reason: str = ""
    states: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def invalid(cls, reason: str) -> StepReward:
        """Return the reward of a step from which nothing may be learned."""
        return cls(0.0, valid=False, reason=reason)


class RewardModel(Protocol):
    """Computes the rewards of one task, step by step in order; may remember within an episode."""

    @property
    def needs(self) -> RewardNeeds:
        """What every step must come with; constant."""
        ...

    def begin_episode(self, episode: EpisodeInfo, inputs: StepInputs | None) -> None:
        """Forget the last episode and begin a new one.

        Args:
            episode: what is known of it.
            inputs: those of step 0; None if they never arrived, e.g. after a restart meanwhile.
        """
        ...

    def compute(self, step: StepInputs) -> StepReward:
        """Return the reward of a step >= 1 of the episode that was begun last.

        Raises:
            ValueError: the inputs contradict the task; the step is then not valid.
        """
        ...


class RewardFactory(Protocol):
    """What an entry point of ``mentor.rewards`` names, e.g. the class of a RewardModel.

    It may have an attribute ``class_names``, a mapping: for each of :attr:`StepReward.states` that
    is the index of a class, the names of the classes in their order, for people to read.
    """

    def __call__(self, task: Task, options: RewardOptions) -> RewardModel:
        """Return the task's reward; reads ``task.reward.fields`` to their end.

        Raises:
            TaskError: the section ``reward`` of the task file is refused.
            ValueError: the options or the weights are refused.
        """
        ...


def make_reward(task: Task, options: RewardOptions | None = None) -> RewardModel:
    """Return the reward that a task names.

    Raises:
        PluginError: no such reward is installed.
        ValueError: it refuses the task file or the options.
    """
    factory: RewardFactory = load_plugin(REWARDS, task.reward.kind)
    return factory(task, options or RewardOptions())


def class_names(task: Task) -> dict[str, tuple[str, ...]]:
    """Return the names of the classes that states of a task's reward may have, by state.

    Empty for a reward whose states are no classes.

    Raises:
        PluginError: no such reward is installed.
    """
    factory = load_plugin(REWARDS, task.reward.kind)
    names: Mapping[str, Sequence[str]] = getattr(factory, "class_names", {})
    return {state: tuple(classes) for state, classes in names.items()}
