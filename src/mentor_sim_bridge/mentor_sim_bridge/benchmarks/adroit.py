"""Adroit: the hand's four tasks, with the reward's known sign error corrected.

The dense rewards of door, hammer and relocate in gymnasium-robotics 1.2.1 to 1.4.2 add
``0.1 * |palm - handle|`` where the original pays ``-0.1 * |palm - handle|``: they reward staying
away from the object to be grasped. Here the term has the original's sign. ``suite_reward=True``
keeps the suite's. Pen has no such term; sparse rewards (10 at success, -0.1 short of it) never had.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentor_sim_bridge.benchmarks.pixel_env import PixelEnv
from mentor_sim_bridge.benchmarks.renderer import PixelRenderer  # sets GL's defaults: stays first
from mentor_sim_bridge.benchmarks.simulator import (
    MujocoSimulator,
    Outcome,
    View,
    check_state,
    refuse_options,
)

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


class AdroitSimulator(MujocoSimulator):
    """One Adroit task.

    Args:
        task: ``door``, ``hammer``, ``pen`` or ``relocate``.
        sparse: 10 at success, -0.1 short of it.
        view: how it renders; ``vil_camera`` is farther away than ``fixed`` (pen has more cameras).
        state: None; ``robot``: the hand's joint angles in radians (its base's in metres) and the
            palm's position in metres; ``full``: the suite's observation.
        suite_reward: keep the sign error of the dense reward.

    Raises:
        ValueError: no such state or camera.
    """

    def __init__(
        self,
        task: str,
        sparse: bool = False,
        view: View | None = None,
        state: str | None = None,
        suite_reward: bool = False,
    ) -> None:
        view = view or View()
        check_state(state)
        self.task = f"adroit-{task}{'_sparse' if sparse else ''}"
        self.camera = str(CAMERA if view.camera is None else view.camera)
        self._env = SUITE[task](reward_type="sparse" if sparse else "dense")
        model = self._env.model
        self.action_names = tuple(model.actuator(i).name for i in range(model.nu))
        self.max_frames = MAX_FRAMES
        self.frame_seconds = float(self._env.dt)
        self._renderer = PixelRenderer(model, self.camera, view.size, view.size, view.stock)
        self._target = _reach_target(self._env, task)
        self._corrects = self._target is not None and not sparse and not suite_reward
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
        """Begin an episode; the seed decides the positions of the objects."""
        refuse_options(self.task, options)
        self._frames = 0
        self._observation, _ = self._env.reset(seed=seed)

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Simulate one step of the suite (five of MuJoCo, 10 ms)."""
        self._observation, reward, terminated, _, info = self._env.step(action)
        self._frames += 1
        value = float(reward)
        terms = {}
        if self._corrects:
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

    def state(self) -> NDArray[np.float32]:
        """Return the state that was chosen."""
        if self._state_kind == "full":
            return self._observation.astype(np.float32)
        data = self._env.data
        return np.concatenate(
            [data.qpos[self._hand_joints], data.site_xpos[self._palm]], dtype=np.float32
        )

    def _distance(self) -> float:
        assert self._target is not None
        kind, number = self._target
        data = self._env.data
        target = data.site_xpos[number] if kind == "site" else data.xpos[number]
        return float(np.linalg.norm(data.site_xpos[self._palm] - target))


def _reach_target(env: Any, task: str) -> tuple[str, int] | None:
    """Return what the palm is to be near to, in the tasks whose reward has the sign error."""
    if task == "door":
        return "site", int(env.model.site("S_handle").id)
    if task in ("hammer", "relocate"):
        return "body", int(env.model.body("Object").id)
    return None


make = partial(PixelEnv.make, AdroitSimulator)
"""Makes ``mentor/adroit-<task>-v0`` or ``..._sparse-v0``: 200 frames."""
