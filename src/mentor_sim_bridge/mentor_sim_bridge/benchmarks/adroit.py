"""Adroit: the hand's four tasks, with the reward's known sign error put right.

The dense rewards of door, hammer and relocate in gymnasium-robotics 1.2.1 to 1.4.2 add
``0.1 * |palm - handle|`` where the original pays ``-0.1 * |palm - handle|``: they reward keeping
away from the thing to be grasped. Here the term has the original's sign. ``suite_reward=True``
keeps the suite's. Pen has no such term; sparse rewards (10 at success, -0.1 short of it) never had.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentor_sim_bridge.benchmarks.pixel_env import PixelEnv
from mentor_sim_bridge.benchmarks.renderer import PixelRenderer  # sets GL's defaults: stays first
from mentor_sim_bridge.benchmarks.simulator import Body, Outcome

# isort: split
with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
    # Its first import prints a warning about the sign error that this module deals with.
    warnings.simplefilter("ignore")
    from gymnasium_robotics.envs.adroit_hand import (
        AdroitHandDoorEnv,
        AdroitHandHammerEnv,
        AdroitHandPenEnv,
        AdroitHandRelocateEnv,
    )

SUITE = {
    "door": AdroitHandDoorEnv,
    "hammer": AdroitHandHammerEnv,
    "pen": AdroitHandPenEnv,
    "relocate": AdroitHandRelocateEnv,
}
CAMERA = "fixed"
MAX_FRAMES = 200
REACH = 0.1
"""Weight of the distance from palm to handle, hammer or ball."""


class AdroitBody(Body):
    """One Adroit task.

    Args:
        task: ``door``, ``hammer``, ``pen`` or ``relocate``.
        sparse: 10 at success, -0.1 short of it.
        image_size: pixels.
        camera: ``fixed``, or ``vil_camera`` from farther away (pen has more).
        stock: draw the suite's look.
        state: None; ``robot``: the hand's joint angles in radians (its base's in metres) and the
            palm's position in metres; ``full``: all that the suite gives.
        suite_reward: leave the dense reward's sign error in.

    Raises:
        ValueError: no such state or camera.
    """

    def __init__(
        self,
        task: str,
        sparse: bool = False,
        image_size: int = 84,
        camera: str = CAMERA,
        stock: bool = False,
        state: str | None = None,
        suite_reward: bool = False,
    ) -> None:
        if state not in (None, "robot", "full"):
            raise ValueError(f"state is {state!r}; known: None, 'robot', 'full'")
        self.task = f"adroit-{task}{'_sparse' if sparse else ''}"
        self.camera = camera
        self._env = SUITE[task](reward_type="sparse" if sparse else "dense")
        model = self._env.model
        self.action_names = tuple(model.actuator(i).name for i in range(model.nu))
        self.max_frames = MAX_FRAMES
        self.frame_seconds = float(self._env.dt)
        self._renderer = PixelRenderer(model, camera, image_size, image_size, stock)
        self._target = _reach_target(self._env, task)
        self._mend = self._target is not None and not sparse and not suite_reward
        self._palm = model.site("S_grasp").id
        self._hand_joints = [
            model.joint(name.removeprefix("A_")).qposadr[0] for name in self.action_names
        ]
        self._state_kind = state
        full = self._env.observation_space.shape[0]
        self.state_size = {None: 0, "robot": len(self._hand_joints) + 3, "full": full}[state]
        self._observation = np.zeros(full)
        self._frames = 0

    def reset(self, seed: int | None, options: dict[str, Any]) -> None:
        """Begins an episode; the seed decides where things stand."""
        self._frames = 0
        self._observation, _ = self._env.reset(seed=seed)

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Goes on by one step of the suite (five of the simulator, 10 ms)."""
        self._observation, reward, terminated, _, info = self._env.step(action)
        self._frames += 1
        value = float(reward)
        terms = {}
        if self._mend:
            reach = -REACH * self._distance()
            terms = {"reach": reach, "rest": value + reach}
            value += 2.0 * reach
        return Outcome(
            value,
            bool(terminated),
            self._frames >= MAX_FRAMES and not terminated,
            bool(info["success"]),
            terms,
        )

    def render(self) -> NDArray[np.uint8]:
        """What the camera sees now."""
        return self._renderer.render(self._env.data)

    def state(self) -> NDArray[np.float32]:
        """See ``state`` of the class."""
        if self._state_kind == "full":
            return self._observation.astype(np.float32)
        data = self._env.data
        return np.concatenate(
            [data.qpos[self._hand_joints], data.site_xpos[self._palm]], dtype=np.float32
        )

    def close(self) -> None:
        """Frees the renderer and the simulator."""
        self._renderer.close()
        self._env.close()

    def _distance(self) -> float:
        assert self._target is not None
        kind, number = self._target
        data = self._env.data
        target = data.site_xpos[number] if kind == "site" else data.xpos[number]
        return float(np.linalg.norm(data.site_xpos[self._palm] - target))


def _reach_target(env: Any, task: str) -> tuple[str, int] | None:
    """What the palm is to be near to, in the tasks whose reward has that term wrong."""
    if task == "door":
        return "site", int(env.model.site("S_handle").id)
    if task in ("hammer", "relocate"):
        return "body", int(env.model.body("Object").id)
    return None


def make(
    task: str,
    sparse: bool = False,
    image_size: int = 84,
    frame_stack: int = 3,
    action_repeat: int = 2,
    camera: str = CAMERA,
    stock: bool = False,
    state: str | None = None,
    suite_reward: bool = False,
    render_mode: str | None = None,
) -> PixelEnv:
    """Makes ``mentor/adroit-<task>-v0`` or ``..._sparse-v0``; 200 frames."""
    body = AdroitBody(task, sparse, image_size, camera, stock, state, suite_reward)
    return PixelEnv(body, action_repeat, frame_stack, image_size, render_mode)
