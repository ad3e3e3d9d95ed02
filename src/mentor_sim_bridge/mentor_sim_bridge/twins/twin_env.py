"""A twin in process, as a gymnasium environment: what nodes do over the topics, without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import gymnasium
import numpy as np

from mentor_common.arm.arm import Arm, MotionOutcome
from mentor_common.arm.backend import Watch
from mentor_common.messages.images import resize, stack_planes
from mentor_common.tasks.episode_draw import EpisodeDraw, EpisodeDraws
from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardOptions,
    StampedImage,
    States,
    StepInputs,
    StepReward,
    make_reward,
)
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.simulator import Simulator

IMAGES = ("all", "first", "blank")


class TwinEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """The cell of any task, with the reward of the task's plug-in.

    Observation: (9 x cameras, 84, 84) uint8; each observed camera at start, midpoint and end of the
    last motion. Action: as the task file says, each dimension in [-1, 1]. Truncated after
    `max_steps`, or by a fault with `info["valid"]` False. `info` holds the true values, `success`,
    `reward_terms`, `pose`, `clipped` and `reason`.

    Args:
        task: task of the cell.
        simulator: simulator of the same task.
        max_steps: most steps of an episode; default is the task's.
        images: what the observation shows: "all"; "first", the first of the episode forever; or
            "blank", black. The last two show what a policy can do that does not look.
        render_mode: "rgb_array" lets `render` return the image of the camera `side`.
        states: what the reward is computed from: "ground_truth", or "sensors" as on a real cell.

    Raises:
        ValueError: an argument is unknown or out of its bounds.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012
    action_repeat = 1

    def __init__(
        self,
        task: Task,
        simulator: Simulator,
        max_steps: int | None = None,
        images: str = "all",
        render_mode: str | None = None,
        states: States = "ground_truth",
    ) -> None:
        if images not in IMAGES:
            raise ValueError(f"images is {images!r}; known: {', '.join(IMAGES)}")
        if states not in get_args(States):
            raise ValueError(f"states is {states!r}; known: {', '.join(get_args(States))}")
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode is {render_mode!r}; known: None, 'rgb_array'")
        if max_steps is not None and (not isinstance(max_steps, int) or max_steps < 1):
            raise ValueError(
                f"max_steps is {max_steps!r}, must be a whole number from 1 on, or None for the "
                "task's"
            )
        self.task = task
        self.arm = Arm(simulator, task.workspace, task.deltas, task.episode.period, task.arm.limits)
        self.frame_layout = task.layout
        self.observation_space = gymnasium.spaces.Box(0, 255, self.frame_layout.shape, np.uint8)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (len(task.action),), np.float32)
        self.render_mode = render_mode
        self.max_steps = max_steps or task.episode.max_steps
        self.period = task.episode.period
        self.watch: Watch | None = None
        """Called every few hundredths of a second of a motion."""
        self._cell = simulator
        self._draws = EpisodeDraws(task)
        self._images = images
        self._black = np.zeros((task.frame_height, task.frame_width, 3), np.uint8)
        self._frames: dict[str, list[np.ndarray]] = {}
        self._steps = self._episode = 0
        self._states: States = states
        self._rewarded: dict[str, list[StampedImage]] = {}
        self.load_reward()

    # Hooks, for the environments of single tasks.

    def load_reward(self) -> None:
        """Make the reward; runs once. The default is the task's plug-in."""
        self._model = make_reward(self.task, RewardOptions(states=self._states))
        self._rewarded = {camera: [] for camera in self._model.needs.cameras}

    def episode_options(
        self, draw: EpisodeDraw, seed: int | None, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the options of an episode, for the twin and for the reward.

        Args:
            draw: start, window and further seed of the episode.
            seed: given to `reset`; None continues with the last random state.
            options: given to `reset`.
        """
        return dict(options)

    def before_step(self) -> None:
        """Do what happens to the cell between two steps; the newest frames are rendered again if it
        calls `redraw`. An arm that it leaves in a fault fails the step."""

    def true_values(self) -> dict[str, Any]:
        """Return the true values that `info` holds."""
        return dict(self._cell.ground_truth().values)

    def reward_of(
        self, outcome: MotionOutcome | None, action: np.ndarray | None
    ) -> tuple[StepReward, bool]:
        """Return the reward of the step that was reached, and the true success.

        Args:
            outcome: outcome of the motion; None: an episode begins.
            action: action that led to it.
        """
        state = self._cell.ground_truth()
        if outcome is None:
            return StepReward(0.0, success=state.success), state.success
        if outcome.failed:
            return StepReward.invalid(outcome.reason), state.success
        try:
            reward = self._model.compute(self._inputs(outcome, action))
        except ValueError as error:
            reward = StepReward.invalid(str(error))
        return reward, state.success

    # The environment.

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode; the three frames of each camera show the same point of time.

        Args:
            seed: seed of all that is sampled; None continues with the last random state.
            options: options of the twin.

        Raises:
            ValueError: an option is unknown.
        """
        super().reset(seed=seed)
        self._frames = {}  # no episode runs until this one has begun
        for taken in self._rewarded.values():
            taken.clear()
        draw = self._draws.draw(seed)
        chosen = self.episode_options(draw, seed, options or {})
        self.arm.begin_episode(seed, draw.start, draw.window_offset, chosen)
        self._episode, self._steps = self._episode + 1, 0
        self._frames = {camera: [image] * 3 for camera, image in self._pictures().items()}
        self.begin_reward(EpisodeInfo(self._episode, seed, draw.start, draw.window_offset, chosen))
        return self._observation(), self._info(None, None)[1]

    def begin_reward(self, episode: EpisodeInfo) -> None:
        """Have the reward begin an episode."""
        self._model.begin_episode(episode, self._inputs(self.arm.outcome(self._cell.time, False)))

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Carry out one motion; with an arm in a fault the step is not valid, and the last.

        Raises:
            RuntimeError: the episode is over; reset first.
        """
        if not self._frames:
            raise RuntimeError(
                f"{self.task.name}: the episode is over or never began; call reset()"
            )
        action = np.asarray(action, np.float32)  # as messages carry it
        self.before_step()
        middle: dict[str, np.ndarray] = {}
        midpoint: dict[str, Any] = {}

        def midway() -> None:
            middle.update(self._pictures())
            midpoint.update(self.true_values())

        if self._cell.fault:  # of what happened before the step
            outcome = self.arm.outcome(self._cell.time, False)
            midway()
        else:
            outcome = self.arm.act(action, midway, self.watch)
        end = self._pictures()
        for camera, frames in self._frames.items():
            frames[:] = [frames[-1], middle[camera], end[camera]]
        self._steps += 1
        observation = self._observation()
        reward, info = self._info(outcome, action)
        info["midpoint"] = midpoint
        ended = reward.truncated or self._steps >= self.max_steps
        truncated = (ended and not reward.terminated) or outcome.failed or not reward.valid
        if truncated or reward.terminated:
            self._frames = {}
        return observation, reward.value, reward.terminated, truncated, info

    def redraw(self) -> None:
        """Render the newest frames again, as the cell has changed between two steps."""
        for camera, image in self._pictures().items():
            self._frames[camera][-1] = image

    def render(self) -> np.ndarray | None:  # type: ignore[override]
        """Return the side camera's image, (168, 168, 3) uint8."""
        return self._cell.render("side") if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Free the graphics context."""
        self._cell.close()

    def _pictures(self) -> dict[str, np.ndarray]:
        for camera, images in self._rewarded.items():
            pixels = self.task.camera(camera).cropped(self._cell.render(camera))
            images.append(StampedImage(self._cell.time, pixels))
        cameras = self.frame_layout.cameras
        if self._images == "blank":
            return dict.fromkeys(cameras, self._black)
        if self._images == "first" and self._frames:
            return {camera: frames[-1] for camera, frames in self._frames.items()}
        height, width = self.frame_layout.height, self.frame_layout.width
        return {camera: resize(self._cell.render(camera), height, width) for camera in cameras}

    def _inputs(self, outcome: MotionOutcome, action: np.ndarray | None = None) -> StepInputs:
        """Return what the reward is told of a step, as the reward node is told over the topics."""
        images = {camera: tuple(taken) for camera, taken in self._rewarded.items()}
        for taken in self._rewarded.values():
            taken.clear()
        needs = self._model.needs
        truth = dict(self._cell.ground_truth().values) if needs.ground_truth else None
        return StepInputs(
            episode=self._episode,
            step=self._steps,
            pose=outcome.normalized.astype(np.float32).astype(np.float64),  # as messages carry it
            begin=outcome.begin,
            end=outcome.end,
            clipped=outcome.clipped,
            frames={camera: frames[-1] for camera, frames in self._frames.items()},
            images=images,
            action=None if action is None else np.asarray(action, np.float32),
            ground_truth=truth,
        )

    def _observation(self) -> np.ndarray:
        return stack_planes([frame for frames in self._frames.values() for frame in frames])

    def _info(
        self, outcome: MotionOutcome | None, action: np.ndarray | None
    ) -> tuple[StepReward, dict[str, Any]]:
        reward, success = self.reward_of(outcome, action)
        return reward, {
            "success": success,
            "reward_terms": dict(reward.terms),
            **self.true_values(),
            "valid": outcome is None or (not outcome.failed and reward.valid),
            "clipped": outcome is not None and outcome.clipped,
            "reason": "" if outcome is None else outcome.reason or reward.reason,
            "pose": self.arm.position if outcome is None else outcome.normalized,
        }
