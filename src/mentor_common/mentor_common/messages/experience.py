"""The messages of the stream as arrays, and the pairing of observations with rewards."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time

from mentor_common.messages.frames import FrameLayout
from mentor_common.messages.images import UInt8, bytes_field
from mentor_msgs.msg import Action, Observation, Reward

Float32 = npt.NDArray[np.float32]


class ExperienceError(ValueError):
    """A message of the stream that contradicts itself or the environment's description."""


def observation_message(
    pixels: UInt8,
    layout: FrameLayout,
    episode: int,
    step: int,
    stamp: Time,
    *,
    task: str = "",
    stamps: list[Time] | None = None,
    state: Float32 | None = None,
) -> Observation:
    """An Observation of pixels of shape ``layout.shape``, uint8."""
    if pixels.shape != layout.shape or pixels.dtype != np.uint8:
        raise ExperienceError(
            f"observation pixels are {pixels.dtype} {pixels.shape}, must be uint8 {layout.shape}"
        )
    message = Observation(episode=episode, step=step)
    message.header.stamp = stamp
    message.header.frame_id = task
    message.cameras = list(layout.cameras)
    message.frames, message.height, message.width = layout.frames, layout.height, layout.width
    message.data = bytes_field(pixels)
    message.stamps = stamps or []
    if state is not None:
        message.state = array("f", np.asarray(state, np.float32).tobytes())
    return message


def observation_pixels(message: Observation) -> UInt8:
    """The pixels, shape (cameras * frames * 3, height, width); a view on the message's buffer."""
    shape = (len(message.cameras) * message.frames * 3, message.height, message.width)
    pixels = np.frombuffer(message.data, np.uint8)
    if pixels.size != shape[0] * shape[1] * shape[2] or pixels.size == 0:
        raise ExperienceError(
            f"observation of episode {message.episode}, step {message.step} holds {pixels.size} "
            f"bytes, its cameras, frames, height and width announce {shape}"
        )
    return pixels.reshape(shape)


def observation_state(message: Observation) -> Float32:
    """The robot's own state, shape (state_size,) float32; a view on the message's buffer."""
    return np.frombuffer(message.state, np.float32)


def action_message(
    data: npt.ArrayLike, episode: int, step: int, stamp: Time, deadline: float = 0.0
) -> Action:
    """An Action of values in [-1, 1]; deadline in seconds, 0: the receiver's parameter holds."""
    message = Action(episode=episode, step=step)
    message.header.stamp = stamp
    message.data = array("f", np.asarray(data, np.float32).tobytes())
    if deadline > 0.0:
        message.deadline.sec = int(deadline)
        message.deadline.nanosec = int((deadline - int(deadline)) * 1e9)
    return message


def action_data(message: Action) -> Float32:
    """The action's values, shape (action_size,) float32; a view on the message's buffer."""
    return np.frombuffer(message.data, np.float32)


def reward_message(
    value: float,
    episode: int,
    step: int,
    stamp: Time,
    *,
    terms: Mapping[str, float] | None = None,
    terminated: bool = False,
    truncated: bool = False,
    success: bool = False,
    valid: bool = True,
    reason: str = "",
) -> Reward:
    """A Reward; numpy's numbers and truth values are converted (raw, they abort the process)."""
    message = Reward(episode=int(episode), step=int(step), value=float(value), reason=reason)
    message.header.stamp = stamp
    message.term_names = list(terms or {})
    message.terms = [float(term) for term in (terms or {}).values()]
    message.terminated, message.truncated = bool(terminated), bool(truncated)
    message.success, message.valid = bool(success), bool(valid)
    return message


def reward_terms(message: Reward) -> dict[str, float]:
    """The named terms that make up the reward."""
    return dict(zip(message.term_names, message.terms, strict=True))


def time_to_seconds(stamp: Any) -> float:
    """A Time or Duration message in seconds."""
    return float(stamp.sec) + float(stamp.nanosec) * 1e-9


def time_to_nanoseconds(stamp: Any) -> int:
    """A Time or Duration message in nanoseconds, exact."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def nanoseconds_to_time(nanoseconds: int) -> Time:
    """Nanoseconds as a Time message, exact."""
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


@dataclass(frozen=True)
class Paired:
    """What one step led to. ``reward`` is None for step 0, which has none."""

    episode: int
    step: int
    observation: Observation
    reward: Reward | None


@dataclass
class PairingCounts:
    """What became of the messages. Every one is counted once."""

    paired: int = 0  # observations that left as a pair
    duplicates: int = 0  # messages of a pair that has left, or that waits already
    strays: int = 0  # messages whose peer never came, or that were of no use
    invalid: int = 0  # messages that contradict themselves


@dataclass
class Pairing:
    """Pairs Observation and Reward by (episode, step), whatever their order.

    Duplicates and strays are counted and dropped. At most ``pending`` halves wait for their
    peer, and the last ``memory`` pairs are remembered to know a duplicate; the oldest go first.
    """

    pending: int = 512
    memory: int = 4096
    counts: PairingCounts = field(default_factory=PairingCounts)
    _observations: OrderedDict[tuple[int, int], Observation] = field(default_factory=OrderedDict)
    _rewards: OrderedDict[tuple[int, int], Reward] = field(default_factory=OrderedDict)
    _done: OrderedDict[tuple[int, int], None] = field(default_factory=OrderedDict)

    def add_observation(self, message: Observation) -> Paired | None:
        """Takes an Observation; returns the pair that it completes, if any."""
        key = (message.episode, message.step)
        if key in self._done or key in self._observations:
            self.counts.duplicates += 1
            return None
        if message.step == 0:
            return self._leave(key, message, None)
        reward = self._rewards.pop(key, None)
        if reward is not None:
            return self._leave(key, message, reward)
        self._observations[key] = message
        self._forget_oldest(self._observations)
        return None

    def add_reward(self, message: Reward) -> Paired | None:
        """Takes a Reward; returns the pair that it completes, if any."""
        key = (message.episode, message.step)
        if message.step == 0:
            self.counts.invalid += 1
            return None
        if key in self._done or key in self._rewards:
            self.counts.duplicates += 1
            return None
        observation = self._observations.pop(key, None)
        if observation is not None:
            return self._leave(key, observation, message)
        self._rewards[key] = message
        self._forget_oldest(self._rewards)
        return None

    def forget_before(self, episode: int) -> None:
        """Drops the halves of episodes below ``episode``, as strays."""
        for waiting in (self._observations, self._rewards):
            old = [key for key in waiting if key[0] < episode]
            for key in old:
                del waiting[key]
            self.counts.strays += len(old)

    @property
    def waiting(self) -> int:
        """Halves that wait for their peer."""
        return len(self._observations) + len(self._rewards)

    def _leave(
        self, key: tuple[int, int], observation: Observation, reward: Reward | None
    ) -> Paired:
        self._done[key] = None
        if len(self._done) > self.memory:
            self._done.popitem(last=False)
        self.counts.paired += 1
        return Paired(key[0], key[1], observation, reward)

    def _forget_oldest(self, waiting: OrderedDict[tuple[int, int], Any]) -> None:
        while len(waiting) > self.pending:
            waiting.popitem(last=False)
            self.counts.strays += 1
