"""RosEnv: a gymnasium environment whose reset and step go over the topics of a cell.

Any gymnasium agent drives any cell with it: a benchmark bridge, a twin, or the real arm. Also
registered as ``mentor/ros-v0``.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded

from mentor_common.env.action_choice import ActionChoice
from mentor_common.env.awaited_step import AwaitedStep
from mentor_common.env.ros_link import RosLink
from mentor_common.env.ros_requests import EnvironmentLost
from mentor_common.messages.cdr import write_action
from mentor_common.messages.experience import (
    check_observation,
    observation_pixels,
    observation_state,
    reward_terms,
    time_to_nanoseconds,
    time_to_seconds,
)
from mentor_common.messages.frames import FrameLayout
from mentor_common.node.claim import CellHeldError
from mentor_common.node.drop_log import DropLog
from mentor_msgs.msg import Observation, Reward

__all__ = ["CellHeldError", "EnvironmentChanged", "EnvironmentLost", "RosEnv"]

log = logging.getLogger("mentor.ros_env")


class EnvironmentChanged(RuntimeError):
    """The environment that answers is not the one that this RosEnv was made for."""

    for_person = True


class RosEnv(gymnasium.Env[Any, npt.NDArray[np.float32]]):
    """The environment of a cell, as the ``describe`` service describes it.

    Observations are uint8 ``(C, H, W)`` as FrameLayout has them, or a dict of that (``image``)
    and ``state`` if the environment has a state. Actions are float32 ``(A,)``.

    A message out of order, twice, or of another episode changes nothing: it is counted in
    :attr:`counts` and dropped. All timeouts are seconds of wall time.

    Args:
        namespace: the cell's namespace, e.g. ``/cell_a``.
        node: a node whose namespace, remappings, clock and context are taken, and in whose name
            actions are published; else own ones.
        timeout: for one step; then EnvironmentLost is raised.
        reset_timeout: for one reset, with the waiting for a peer that is missing.
        connect_timeout: for the first answer of the environment; default: reset_timeout.
        action_deadline: seconds after which an action must not move anything any more; 0: the
            environment's own deadline.
        use_sim_time: whether actions are stamped by ``/clock`` (without a node only).
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012
    choice: ActionChoice | None = None
    """Sent along with the next action: its mean, and the weights and experts that chose it; None:
    no policy did."""

    def __init__(
        self,
        namespace: str = "",
        *,
        node: Any = None,
        timeout: float = 10.0,
        reset_timeout: float = 60.0,
        connect_timeout: float | None = None,
        action_deadline: float = 0.0,
        use_sim_time: bool = False,
        render_mode: str | None = None,
    ) -> None:
        for name, value in (("timeout", timeout), ("reset_timeout", reset_timeout)):
            if not value > 0.0:
                raise ValueError(f"RosEnv: {name} is {value}, must be above 0 seconds")
        if not 0.0 <= action_deadline < 2.0**31:
            raise ValueError(
                f"RosEnv: action_deadline is {action_deadline}, must be seconds from 0"
            )
        self.timeout, self.reset_timeout = timeout, reset_timeout
        self.action_deadline = action_deadline
        self.render_mode = render_mode
        self.purpose = ""
        """``header.frame_id`` of the actions: what an episode is for. A learner that
        subscribes to the topics ignores an episode whose purpose is ``topics.EVALUATION``."""
        self._described = False
        self._awaited = AwaitedStep(self._check, self._on_dropped)
        self.counts = self._awaited.counts
        self._over = True
        self._stamp = 0.0
        self._pixels: npt.NDArray[np.uint8] | None = None
        self._newest: Observation | None = None
        self._dropped_last = ""
        self._drops = DropLog(log.warning)
        self._link = RosLink(
            namespace, node, use_sim_time, self._awaited.add_observation, self._on_reward
        )
        try:
            until = time.monotonic() + (connect_timeout or reset_timeout)
            self.description = self._link.requests.describe(until)
            self._take_description()
            self._described = True
        except BaseException:
            self._link.close()
            raise

    @property
    def episode(self) -> int | None:
        """Number of the running episode; None before the first."""
        return self._awaited.episode

    @property
    def stamp(self) -> float:
        """Stamp of the newest observation, seconds of ROS time."""
        return self._stamp

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Have the cell begin a new episode, and wait for its first observation.

        Args:
            seed: seed of the episode's randomisation; None: the random state continues.
            options: the task's own, JSON values.
        Raises: EnvironmentLost if the cell does not get there in ``reset_timeout``, or if this is
            closed; CellHeldError while another agent acts in this cell.
        """
        if seed is not None and not 0 <= seed < 2**64:
            raise ValueError(f"seed is {seed}, must be from 0 to 2^64 - 1")
        super().reset(seed=seed)
        self._over = True
        self._awaited.await_any_episode()
        until = time.monotonic() + self.reset_timeout
        names = list(options or {})
        values = [json.dumps(_plain((options or {})[name])) for name in names]
        with self._link.open():
            self._check_same(self._link.requests.describe(until, ready=True))
            self._link.peers.await_publishers(until, self._link.spin)
            self._link.claim_cell()
            result = self._link.requests.reset(seed, names, values, until)
            self._link.peers.remember()
        self._awaited.begin(int(result.episode))
        log.debug("episode %d begins; seed %s, options %s", result.episode, seed, options)
        self._wait(f"Observation({result.episode}, 0)")
        self._over = False
        observation, _ = self._awaited.take()
        return self._shown(observation), self._info(None)

    def step(
        self, action: npt.NDArray[np.float32]
    ) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Publish the action and wait for the observation and the reward that it leads to.

        Args:
            action: shape (A,), finite, within the action space.
        Raises: ResetNeeded before a reset and after an episode's end; ValueError for an action
            outside the space; EnvironmentLost if no answer comes in ``timeout``. After that, the
            next reset waits for the environment to be back.
        """
        self.send(action)
        return self.receive()

    def send(self, action: npt.NDArray[np.float32]) -> None:
        """Do the first half of :meth:`step`: publish the action. :meth:`receive` must follow."""
        if self._over or self.episode is None:
            raise ResetNeeded("RosEnv: the episode is over or has not begun, call reset() first")
        values = self._checked(action)
        answered = self._awaited.step
        self._awaited.advance()
        assert self._newest is not None
        stamp = self._link.now(self._newest.header.stamp)
        message = write_action(
            values,
            self.episode,
            answered,
            time_to_nanoseconds(stamp),
            self.purpose,
            int(self.action_deadline * 1e9),
            self.choice,
        )
        self._over = True  # If receive() fails, only a reset may follow.
        self._link.send(message)
        if self.choice is not None and self.choice.experts is not None:
            self._link.send_experts(self.episode, answered, stamp, self.choice.experts)
        self.choice = None

    def receive(self) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Wait for what the action leads to: the second half of :meth:`step`.

        After a fault, of a camera for instance, a step may have no observation. Its reward is then
        not valid and truncated: the episode ends, and the last observation is returned again.
        """
        self._wait(f"Observation and Reward({self.episode}, {self._awaited.step})")
        observation, reward = self._awaited.take()
        assert reward is not None
        self._over = bool(reward.terminated or reward.truncated)
        log.debug("step (%s, %d): reward %.6g", self.episode, self._awaited.step, reward.value)
        return (
            self._shown(observation or self._newest),
            float(reward.value),
            bool(reward.terminated),
            bool(reward.truncated),
            self._info(reward),
        )

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Return the newest frame of every camera side by side, (H, cameras * W, 3) uint8."""
        if self.render_mode is None or self._pixels is None:
            return None
        layout = self.frame_layout
        frames = self._pixels.reshape(
            len(layout.cameras), layout.frames, 3, layout.height, layout.width
        )[:, -1]
        return np.concatenate([frame.transpose(1, 2, 0) for frame in frames], axis=1)

    def close(self) -> None:
        """Leave the cell. A step that waits in another thread ends with EnvironmentLost."""
        self._over = True
        self._link.close()

    # Inner workings.

    def _on_reward(self, message: Reward) -> None:
        self._awaited.add_reward(message, time.monotonic())

    def _check(self, message: Observation) -> None:
        if self._described:  # what comes before is history, and dropped by the first reset
            check_observation(message, self.frame_layout, self._state_size)

    def _on_dropped(self, reason: str) -> None:
        self._dropped_last = reason
        self._drops.note(f"dropped: {reason}")

    def _wait(self, what: str) -> None:
        awaited = self._awaited
        self._dropped_last = ""
        try:
            self._link.wait(
                lambda: awaited.is_whole(time.monotonic()),
                time.monotonic() + self.timeout,
                what,
                lambda: (awaited.observation is None, awaited.step > 0 and awaited.reward is None),
            )
        except EnvironmentLost as error:
            if not self._dropped_last:
                raise
            raise EnvironmentLost(
                f"{error}; the last that was dropped: {self._dropped_last}"
            ) from None

    def _shown(self, observation: Observation | None) -> Any:
        assert observation is not None
        self._newest = observation
        self._pixels = observation_pixels(observation)
        self._stamp = time_to_seconds(observation.header.stamp)
        if not self._state_size:
            return self._pixels
        return {"image": self._pixels, "state": observation_state(observation)}

    def _info(self, reward: Reward | None) -> dict[str, Any]:
        # Same seed, same actions, same info: episode numbers and stamps are properties instead.
        assert self._newest is not None
        info: dict[str, Any] = {
            "success": False,
            "valid": True,
            # Where a benchmark has several tasks, which one this episode has.
            "task": self._newest.header.frame_id,
        }
        if reward is not None:
            info["success"] = bool(reward.success)
            info["valid"] = bool(reward.valid)
            info["reward_terms"] = reward_terms(reward)
            if reward.reason:
                info["reason"] = reward.reason
        return info

    def _checked(self, action: Any) -> npt.NDArray[np.float32]:
        values = np.asarray(action, np.float32)
        if values.shape != self._action_shape:
            raise ValueError(f"action has shape {values.shape}, must be {self._action_shape}")
        # NaN is in no interval.
        if not ((values >= self._action_low) & (values <= self._action_high)).all():
            raise ValueError(
                f"action {values.tolist()} is outside the space from "
                f"{self._action_low.tolist()} to {self._action_high.tolist()}"
            )
        return values

    def _take_description(self) -> None:
        description = self.description
        self.frame_layout = FrameLayout(
            tuple(description.cameras),
            int(description.frames),
            int(description.height),
            int(description.width),
            bool(description.stacked),
        )
        self.action_repeat = int(description.action_repeat) or 1
        self.action_names = tuple(description.action_names)
        self.max_steps = int(description.max_steps) or None
        self._state_size = int(description.state_size)
        self._action_low = np.asarray(description.action_low, np.float32)
        self._action_high = np.asarray(description.action_high, np.float32)
        self._action_shape = self._action_low.shape
        image = gymnasium.spaces.Box(0, 255, self.frame_layout.shape, np.uint8)
        self.observation_space: gymnasium.Space[Any] = image
        if self._state_size:
            bounds = (-np.inf, np.inf, (self._state_size,))
            self.observation_space = gymnasium.spaces.Dict(
                image=image, state=gymnasium.spaces.Box(*bounds, np.float32)
            )
        self.action_space = gymnasium.spaces.Box(self._action_low, self._action_high)
        if description.period > 0.0:
            self.metadata = {**self.metadata, "render_fps": max(1, round(1 / description.period))}

    def _check_same(self, description: Any) -> None:
        for name in ("cameras", "frames", "height", "width", "stacked", "state_size",
                     "action_names", "action_low", "action_high", "action_repeat"):  # fmt: skip
            old, new = getattr(self.description, name), getattr(description, name)
            if not np.array_equal(np.asarray(old), np.asarray(new)):
                raise EnvironmentChanged(
                    f"the environment's {name} changed from {old} to {new} (it is "
                    f"{description.environment} with task {description.task} now, was "
                    f"{self.description.environment} with {self.description.task}); "
                    "make a new RosEnv"
                )
        self.description = description


def _plain(value: Any) -> Any:
    """Return numpy values as JSON has them."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
