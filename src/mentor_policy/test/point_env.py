"""A task small enough to be learned from pixels in a minute: move a dot onto a target.

The picture is all that tells where the dot is; it starts elsewhere in every episode.
"""

import gymnasium
import numpy as np

from mentor_common.messages.frames import FrameLayout

SIZE = 24
STEPS = 20
SPEED = 0.3
RADIUS = 0.3


class PointEnv(gymnasium.Env):
    """Observation ``(6, 24, 24) uint8``: two stacked frames. Reward 1 on the target, less away.

    Args:
        terminates: end the episode at the target (else every episode has 20 steps).
        delay: seconds that a step takes, as on a robot.
    """

    metadata = {"render_modes": [], "render_fps": 10}  # noqa: RUF012
    frame_layout = FrameLayout(("top",), 2, SIZE, SIZE, True)
    action_repeat = 1

    def __init__(self, terminates: bool = False, delay: float = 0.0) -> None:
        self.observation_space = gymnasium.spaces.Box(0, 255, (6, SIZE, SIZE), np.uint8)
        self.action_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
        self._terminates, self._delay = terminates, delay

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._point = self.np_random.uniform(-1, 1, 2)
        self._target = np.array([0.3, -0.2])
        self._step = 0
        frame = self._draw()
        self._stack = np.concatenate([frame, frame])
        return self._stack.copy(), {}

    def step(self, action):
        if self._delay:
            import time

            time.sleep(self._delay)
        self._point = np.clip(self._point + SPEED * np.asarray(action, float), -1, 1)
        self._step += 1
        self._stack = np.concatenate([self._stack[3:], self._draw()])
        distance = float(np.linalg.norm(self._point - self._target))
        success = distance < RADIUS
        terminated = self._terminates and success
        truncated = self._step == STEPS and not terminated
        reward = 1.0 - distance
        return self._stack.copy(), reward, terminated, truncated, {"success": success}

    def _draw(self):
        rows, columns = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
        frame = np.full((3, SIZE, SIZE), 30, np.uint8)
        for place, channel in ((self._target, 1), (self._point, 0)):
            spot = np.exp(-((columns - place[0]) ** 2 + (rows - place[1]) ** 2) / 0.08)
            frame[channel] = np.clip(frame[channel] + 225 * spot, 0, 255).astype(np.uint8)
        return frame


gymnasium.register("mentor-test/point-v0", entry_point=PointEnv)
