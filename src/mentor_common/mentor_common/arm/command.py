"""An action as it arrives, and whether it may be executed: one decision for arms and bridges."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt


class CommandStatus(Enum):
    """What became of an action. The values name the counters; the first two move something."""

    EXECUTED = "actions executed"
    CLIPPED = "actions clipped to their bounds"
    OTHER_EPISODE = "actions dropped: other episode"
    AFTER_END = "actions dropped: no episode is running"
    DUPLICATE = "actions dropped: step already done"
    OTHER_STEP = "actions dropped: other step"
    WRONG_SIZE = "actions dropped: wrong size"
    NOT_FINITE = "actions dropped: not finite"
    STALE = "actions dropped: past their deadline"
    FUTURE = "actions dropped: stamped in the future"
    IN_FAULT = "actions dropped: fault"
    BLOCKED = "actions dropped: motion not permitted"
    OTHER_AGENT = "actions dropped: another agent holds the cell"
    UNREADABLE = "actions dropped: unreadable message"

    @property
    def executed(self) -> bool:
        """Whether the action moves something."""
        return self in (CommandStatus.EXECUTED, CommandStatus.CLIPPED)

    @property
    def leaves_step_waiting(self) -> bool:
        """Whether it was the action of the awaited step, from which no motion follows.

        What has a wrong size or no finite number is no action: the right one may still come.
        """
        return self in (
            CommandStatus.IN_FAULT, CommandStatus.BLOCKED, CommandStatus.STALE, CommandStatus.FUTURE
        )  # fmt: skip


@dataclass(frozen=True)
class Command:
    """An action as it arrives.

    Args:
        episode: the episode that it is for.
        step: the step of the observation that it answers.
        data: its values, shape (action_size,).
        stamp: when it was decided, nanoseconds of ROS time.
        deadline: how long after `stamp` it may begin, and how far ahead of now `stamp` may lie,
            nanoseconds; 0: no limit.
    """

    episode: int
    step: int
    data: npt.NDArray[np.floating]
    stamp: int
    deadline: int = 0


def check_command(
    command: Command,
    episode: int,
    step: int,
    low: npt.NDArray[np.floating],
    high: npt.NDArray[np.floating],
    now: int,
) -> tuple[CommandStatus, str]:
    """Decide whether an action may be executed now; change nothing.

    Args:
        command: the action.
        episode: the running episode; 0: none.
        step: the step whose action is awaited.
        low: least value of each action dimension, shape (action_size,).
        high: greatest value, same shape.
        now: nanoseconds of ROS time.

    Returns:
        the status, and the reason where it is not EXECUTED.
    """
    received = f"({command.episode}, {command.step})"
    if episode == 0:
        return CommandStatus.AFTER_END, f"{received} received, no episode is running"
    if command.episode != episode:
        return CommandStatus.OTHER_EPISODE, f"{received} received, ({episode}, {step}) is awaited"
    if command.step != step:
        done = command.step < step
        status = CommandStatus.DUPLICATE if done else CommandStatus.OTHER_STEP
        return status, f"{received} received, ({episode}, {step}) is awaited"
    values = command.data
    if values.shape != low.shape:
        return CommandStatus.WRONG_SIZE, f"shape {values.shape}, must be {low.shape}"
    if not np.isfinite(values).all():
        return CommandStatus.NOT_FINITE, f"{values.tolist()} must be {low.size} finite numbers"
    age = now - command.stamp
    if command.deadline > 0 and abs(age) > command.deadline:
        allowed = f"at most {command.deadline / 1e9:g} s is allowed"
        if age > 0:
            return CommandStatus.STALE, f"{age / 1e9:.3f} s old, {allowed}"
        return CommandStatus.FUTURE, f"{-age / 1e9:.3f} s in the future, {allowed}"
    if ((values < low) | (values > high)).any():
        return CommandStatus.CLIPPED, f"{values.tolist()} is outside its bounds"
    return CommandStatus.EXECUTED, ""
