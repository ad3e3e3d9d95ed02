"""An environment that stands in for the cell, for those who collect from it."""

from __future__ import annotations

import gymnasium
import numpy as np
from slot_pictures import slot_picture

from mentor_common.messages.frames import FrameLayout


class WalkingStates(gymnasium.Env):
    """States that walk up and down with the first action; pictures that show them."""

    frame_layout = FrameLayout(("side", "slot_1", "slot_2"), 3, 84, 84, stacked=False)
    observation_space = gymnasium.spaces.Box(0, 255, frame_layout.shape, np.uint8)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.steps = 0.0, 0
        return self._see()

    def step(self, action):
        self.place = float(np.clip(self.place + action[0], 0.0, 6.99))
        self.steps += 1
        observation, info = self._see()
        info["midpoint"] = dict(info)
        return observation, 0.0, False, self.steps == 20, info

    def expert_action(self):
        return np.array([1.0, 0.0], np.float32)

    def _see(self):
        states = {"slot_1": int(self.place) * 4 // 7, "slot_2": int(self.place)}
        pixels = np.zeros((3, 3, 3, 84, 84), np.uint8)
        for index, camera in enumerate(("slot_1", "slot_2"), start=1):
            for frame in (1, 2):
                pixels[index, frame] = slot_picture(camera, states[camera], self.np_random)
        profile = {"slot_2_profile": np.full((2, 2), self.place / 100)}
        return pixels.reshape(self.frame_layout.shape), {**states, **profile}
