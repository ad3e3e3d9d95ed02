"""`mentor/cable_routing-v0`: the cell in process, with the true states' reward."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from mentor_common.messages.frames import FrameLayout
from mentor_common.messages.images import resize, stack_planes
from mentor_common.tasks.cable_routing import StartPoses, is_success, reward_terms
from mentor_sim_bridge.twins.cable.cell import CableCell, MotionOutcome
from mentor_sim_bridge.twins.cable.config import CableConfig
from mentor_sim_bridge.twins.cable.expert import CableExpert
from mentor_sim_bridge.twins.cable.slot_states import cable_in_slot

MAX_STEPS = 40


class CableRoutingEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """Fill slot 1, then slot 2, with a cable whose end the gripper holds.

    Observation: (27, 84, 84) uint8; cameras side, slot_1, slot_2, each at begin, midpoint and end
    of the last motion. Action: (2,) dx, dz in [-1, 1]; a fifth of it is added to the pose. Reward:
    eq. 7 with the true states. Never terminates; truncated after `max_steps`, or by a fault with
    `info["valid"]` False.

    Args:
        config: of the cell; default is the twin's YAML.
        max_steps: of an episode.
        render_mode: "rgb_array" lets `render` return the side camera's image.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012
    action_repeat = 1

    def __init__(
        self,
        config: CableConfig | None = None,
        max_steps: int = MAX_STEPS,
        render_mode: str | None = None,
    ) -> None:
        self.cell = CableCell(config)
        self.frame_layout = FrameLayout(self.cell.cameras, 3, 84, 84, stacked=False)
        self.observation_space = gymnasium.spaces.Box(0, 255, self.frame_layout.shape, np.uint8)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.render_mode = render_mode
        self._max_steps = max_steps
        start = self.cell.config.start
        self._starts = StartPoses((start.x[0], start.z[0]), (start.x[1], start.z[1]))
        self._expert = CableExpert(self.cell)
        self._frames: dict[str, list[np.ndarray]] = {}
        self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins an episode; the three frames of each camera show the same moment."""
        super().reset(seed=seed)
        self.cell.reset(seed, self._starts.draw(seed))
        self._expert.reset()
        self._steps = 0
        self._frames = {camera: [image] * 3 for camera, image in self._pictures().items()}
        return self._observation(), self._info()

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One motion of half a second.

        Raises:
            RuntimeError: the episode is over; reset first.
        """
        if not self._frames:
            raise RuntimeError("cable_routing: the episode is over or never began; call reset()")
        middle: dict[str, np.ndarray] = {}
        midpoint: dict[str, Any] = {}

        def midway() -> None:
            middle.update(self._pictures())
            midpoint.update(self._truth())

        outcome = self.cell.act(action, midway)
        end = self._pictures()
        for camera, frames in self._frames.items():
            frames[:] = [frames[-1], middle[camera], end[camera]]
        self._steps += 1
        observation, info = self._observation(), self._info(outcome)
        info["midpoint"] = midpoint
        truncated = outcome.failed or self._steps >= self._max_steps
        if truncated:
            self._frames = {}
        return observation, sum(info["reward_terms"].values()), False, truncated, info

    def expert_action(self) -> np.ndarray:
        """What the scripted expert, who sees the true state, does now: (2,) float32."""
        return self._expert.act()

    def render(self) -> np.ndarray | None:  # type: ignore[override]
        """The side camera's image, (168, 168, 3) uint8."""
        return self.cell.render("side") if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Frees the graphics context."""
        self.cell.close()

    def _pictures(self) -> dict[str, np.ndarray]:
        height, width = self.frame_layout.height, self.frame_layout.width
        return {
            camera: resize(self.cell.render(camera), height, width) for camera in self.cell.cameras
        }

    def _observation(self) -> np.ndarray:
        return stack_planes([frame for frames in self._frames.values() for frame in frames])

    def _truth(self) -> dict[str, Any]:
        """What slot classifiers are to see: states, and the cable's profile along each slot."""
        slot_1, slot_2 = self.cell.slot_states()
        points, config = self.cell.cable_points(), self.cell.config
        return {
            "slot_1": int(slot_1),
            "slot_2": int(slot_2),
            "slot_1_profile": np.array(cable_in_slot(points, config.slot_1)),
            "slot_2_profile": np.array(cable_in_slot(points, config.slot_2)),
        }

    def _info(self, outcome: MotionOutcome | None = None) -> dict[str, Any]:
        slot_1, slot_2 = self.cell.slot_states()
        return {
            "success": is_success(slot_1, slot_2),
            "reward_terms": reward_terms(slot_1, slot_2),
            **self._truth(),
            "valid": outcome is None or not outcome.failed,
            "clipped": outcome is not None and outcome.clipped,
            "reason": "" if outcome is None else outcome.reason,
            "pose": self.cell.normalized,
        }
