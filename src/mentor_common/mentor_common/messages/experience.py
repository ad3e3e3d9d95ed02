"""The messages of the stream as arrays."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time

from mentor_common.messages.frames import FrameLayout
from mentor_common.messages.images import UInt8, bytes_field
from mentor_common.messages.numbers import LARGEST, usable
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
    """Return an Observation of pixels of shape ``layout.shape``, uint8."""
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
    """Return the pixels, (cameras * frames * 3, height, width); a view on the message's buffer."""
    shape = (len(message.cameras) * message.frames * 3, message.height, message.width)
    pixels = np.frombuffer(message.data, np.uint8)
    if pixels.size != shape[0] * shape[1] * shape[2] or pixels.size == 0:
        raise ExperienceError(
            f"observation of episode {message.episode}, step {message.step} holds {pixels.size} "
            f"bytes, its cameras, frames, height and width announce {shape}"
        )
    return pixels.reshape(shape)


def check_observation(message: Observation, layout: FrameLayout, state_size: int) -> None:
    """Check that an observation is one of this environment.

    Args:
        message: the observation.
        layout: layout of its pixels.
        state_size: length of its state, 0 for none.
    Raises: ExperienceError if shape, number of bytes or state differ, or the state is not usable.
    """
    shape, state = observation_pixels(message).shape, observation_state(message)
    where = f"observation of episode {message.episode}, step {message.step}"
    if shape != layout.shape:
        raise ExperienceError(f"{where} is {shape}, the environment has {layout.shape}")
    if state.size != state_size:
        raise ExperienceError(
            f"{where} has a state of {state.size} numbers, the environment has {state_size}"
        )
    if not usable(state):
        raise ExperienceError(
            f"{where} has the state {state.tolist()[:9]}, which is not finite or above {LARGEST:g}"
        )


def check_reward(message: Reward) -> None:
    """Check that a reward can be learned from.

    Raises: ExperienceError if it or a term is not usable, or if it is of step 0, which has none.
    """
    where = f"reward of episode {message.episode}, step {message.step}"
    if message.step == 0:
        raise ExperienceError(f"{where}: no action led to step 0")
    if not usable(values := [message.value, *message.terms]):
        raise ExperienceError(
            f"{where} is {values[:9]} (value and terms), which is not finite or above {LARGEST:g}"
        )


def observation_state(message: Observation) -> Float32:
    """Return the robot's own state, shape (state_size,) float32; a view on the message's buffer."""
    return np.frombuffer(message.state, np.float32)


def action_message(
    data: npt.ArrayLike, episode: int, step: int, stamp: Time, deadline: float = 0.0
) -> Action:
    """Return an Action of values in [-1, 1]; deadline in seconds, 0: the receiver's own."""
    message = Action(episode=episode, step=step)
    message.header.stamp = stamp
    message.data = array("f", np.asarray(data, np.float32).tobytes())
    if deadline > 0.0:
        message.deadline.sec = int(deadline)
        message.deadline.nanosec = int((deadline - int(deadline)) * 1e9)
    return message


def action_data(message: Action) -> Float32:
    """Return the action's values, shape (action_size,) float32; a view on the message's buffer."""
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
    states: Mapping[str, float] | None = None,
) -> Reward:
    """Return a Reward; numpy's scalars are converted, as raw ones abort the process."""
    message = Reward(episode=int(episode), step=int(step), value=float(value), reason=reason)
    message.header.stamp = stamp
    message.term_names = list(terms or {})
    message.terms = [float(term) for term in (terms or {}).values()]
    message.terminated, message.truncated = bool(terminated), bool(truncated)
    message.success, message.valid = bool(success), bool(valid)
    message.state_names = list(states or {})
    message.states = [float(state) for state in (states or {}).values()]
    return message


def reward_terms(message: Reward) -> dict[str, float]:
    """Return the named terms that make up the reward."""
    return dict(zip(message.term_names, message.terms, strict=True))


def time_to_seconds(stamp: Any) -> float:
    """Return a Time or Duration message in seconds."""
    return float(stamp.sec) + float(stamp.nanosec) * 1e-9


def time_to_nanoseconds(stamp: Any) -> int:
    """Return a Time or Duration message in nanoseconds, exact."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def checked_nanoseconds(stamp: Any, what: str) -> int:
    """Return a Time message of anybody in nanoseconds, so that it can be made a Time again.

    Raises: ExperienceError if its nanoseconds are a second or more; ``what`` has the stamp.
    """
    if stamp.nanosec >= 1_000_000_000:
        raise ExperienceError(
            f"{what} with {stamp.nanosec} nanoseconds, must be below 1,000,000,000"
        )
    return time_to_nanoseconds(stamp)


def nanoseconds_to_time(nanoseconds: int) -> Time:
    """Return nanoseconds as a Time message, exact."""
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)
