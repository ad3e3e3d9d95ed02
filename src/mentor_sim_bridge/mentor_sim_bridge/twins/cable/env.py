"""`mentor/cable_routing-v0`: the cell in process, with the true states' reward."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from mentor_common.arm.arm import Arm, MotionOutcome
from mentor_common.arm.backend import Watch
from mentor_common.messages.images import resize, stack_planes
from mentor_common.tasks.cable_routing import Slot1, cable_reward_of
from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.cable.config import CableConfig
from mentor_sim_bridge.twins.cable.disturbances import PUSH, Disturbance, read_disturbance
from mentor_sim_bridge.twins.cable.expert import CableExpert
from mentor_sim_bridge.twins.cable.simulator import CableSimulator
from mentor_sim_bridge.twins.cable.slot_states import cable_in_slot

IMAGES = ("all", "first", "blank")


class CableRoutingEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """Fill slot 1, then slot 2, with a cable whose end the gripper holds.

    Observation: (27, 84, 84) uint8; cameras side, slot_1, slot_2, each at begin, midpoint and end
    of the last motion. Action: (2,) dx, dz in [-1, 1]; a fifth of it is added to the pose. Reward:
    eq. 7 with the true states. Never terminates; truncated after `max_steps`, or by a fault with
    `info["valid"]` False.

    Args:
        config: of the cell; default is the one that the task names as its twin.
        max_steps: of an episode; default is the task's.
        images: what the observation shows: "all"; "first", the first of the episode for ever; or
            "blank", black. The last two show what a policy can do that does not look.
        disturbance: of every episode whose reset names no other by `options["disturbance"]`; a
            value of Disturbance.
        task: cable_routing or cable_routing_varied, or the path of a task file.
        render_mode: "rgb_array" lets `render` return the side camera's image.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012
    action_repeat = 1

    def __init__(
        self,
        config: CableConfig | None = None,
        max_steps: int | None = None,
        images: str = "all",
        disturbance: str = "none",
        task: str = "cable_routing",
        render_mode: str | None = None,
    ) -> None:
        if images not in IMAGES:
            raise ValueError(f"images is {images!r}; known: {', '.join(IMAGES)}")
        cell = find_task(task)
        self.simulator = CableSimulator(config, cell)
        self.arm = Arm(self.simulator, cell.workspace, cell.deltas, cell.episode.period)
        self.frame_layout = cell.layout
        self.observation_space = gymnasium.spaces.Box(0, 255, self.frame_layout.shape, np.uint8)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (len(cell.action),), np.float32)
        self.render_mode = render_mode
        self.max_steps = max_steps or cell.episode.max_steps
        self.period = cell.episode.period
        self._draws = EpisodeDraws(cell)
        self._reward = cable_reward_of(cell)
        self._expert = CableExpert(self.arm, self.simulator)
        self._images = images
        self._usual = read_disturbance(disturbance)
        self._to_come = Disturbance.NONE
        self._filled = 0
        self._black = np.zeros((cell.frame_height, cell.frame_width, 3), np.uint8)
        self._frames: dict[str, list[np.ndarray]] = {}
        self._steps = 0
        self.watch: Watch | None = None
        """Called every few hundredths of a second of a motion."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode; the three frames of each camera show the same point of time.

        Args:
            seed: of all that the episode draws; None goes on with the last random state.
            options: `disturbance`, a value of Disturbance.

        Raises:
            ValueError: an option or a disturbance is unknown.
        """
        super().reset(seed=seed)
        draw = self._draws.draw(seed)
        chosen = {"disturbance": self._usual.value, **(options or {})}
        self.arm.begin_episode(seed, draw.start, draw.window_offset, chosen)
        self._to_come = read_disturbance(chosen["disturbance"])
        self._filled = 0
        self._expert.reset()
        self._steps = 0
        self._frames = {}
        self._frames = {camera: [image] * 3 for camera, image in self._pictures().items()}
        return self._observation(), self._info()

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One motion of half a second.

        Raises:
            RuntimeError: the episode is over; reset first.
        """
        if not self._frames:
            raise RuntimeError("cable_routing: the episode is over or never began; call reset()")
        self._disturb()
        middle: dict[str, np.ndarray] = {}
        midpoint: dict[str, Any] = {}

        def midway() -> None:
            middle.update(self._pictures())
            midpoint.update(self._true_states())

        outcome = self.arm.act(action, midway, self.watch)
        end = self._pictures()
        for camera, frames in self._frames.items():
            frames[:] = [frames[-1], middle[camera], end[camera]]
        self._steps += 1
        observation, info = self._observation(), self._info(outcome)
        info["midpoint"] = midpoint
        truncated = outcome.failed or self._steps >= self.max_steps
        if truncated:
            self._frames = {}
        return observation, sum(info["reward_terms"].values()), False, truncated, info

    def expert_action(self) -> np.ndarray:
        """Return what the scripted expert, who sees the true state, does now: (2,) float32."""
        return self._expert.act()

    def render(self) -> np.ndarray | None:  # type: ignore[override]
        """Return the side camera's image, (168, 168, 3) uint8."""
        return self.simulator.render("side") if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Free the graphics context."""
        self.simulator.close()

    def _disturb(self) -> None:
        """What happens within an episode happens once (see Disturbance)."""
        simulator, arm = self.simulator, self.arm
        if not self._to_come.within_episode:
            return
        self._filled = self._filled + 1 if simulator.slot_states()[0] is Slot1.INSIDE else 0
        if self._filled < self._to_come.filled_steps:
            return
        if self._to_come is Disturbance.CABLE_PULLED_OUT:
            simulator.pull_cable_out(simulator.scene.slot_1)
        else:
            side = 1.0 if arm.position[0] < 0.0 else -1.0
            arm.move(arm.position + np.array([side * PUSH, PUSH]), arm.period)
        self._to_come = Disturbance.NONE
        if not simulator.fault:
            for camera, image in self._pictures().items():
                self._frames[camera][-1] = image

    def _pictures(self) -> dict[str, np.ndarray]:
        if self._images == "blank":
            return dict.fromkeys(self.simulator.cameras, self._black)
        if self._images == "first" and self._frames:
            return {camera: frames[-1] for camera, frames in self._frames.items()}
        height, width = self.frame_layout.height, self.frame_layout.width
        return {
            camera: resize(self.simulator.render(camera), height, width)
            for camera in self.simulator.cameras
        }

    def _observation(self) -> np.ndarray:
        return stack_planes([frame for frames in self._frames.values() for frame in frames])

    def _true_states(self) -> dict[str, Any]:
        """What slot classifiers are to see: states, and the cable's profile along each slot."""
        slot_1, slot_2 = self.simulator.slot_states()
        points, scene = self.simulator.cable_points(), self.simulator.scene
        return {
            "slot_1": int(slot_1),
            "slot_2": int(slot_2),
            "slot_1_profile": np.array(cable_in_slot(points, scene.slot_1)),
            "slot_2_profile": np.array(cable_in_slot(points, scene.slot_2)),
        }

    def _info(self, outcome: MotionOutcome | None = None) -> dict[str, Any]:
        slot_1, slot_2 = self.simulator.slot_states()
        return {
            "success": self._reward.is_success(slot_1, slot_2),
            "reward_terms": self._reward.terms(slot_1, slot_2),
            **self._true_states(),
            "valid": outcome is None or not outcome.failed,
            "clipped": outcome is not None and outcome.clipped,
            "reason": "" if outcome is None else outcome.reason,
            "pose": self.arm.position if outcome is None else outcome.normalized,
        }
