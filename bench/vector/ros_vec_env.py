"""RosVecEnv: several cells of one kind, driven by one agent in step.

For `bench/bridge.py`: no agent of this project acts in more than one environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array

from mentor_common.env.ros_env import RosEnv


class RosVecEnv(VectorEnv[Any, Any, Any]):
    """A RosEnv for each namespace; all act at once and are waited for together.

    As gymnasium's own vector environments do by default, a cell whose episode has ended begins a
    new one at the next step: that step's action is not sent to it, its observation is the new
    episode's first and its reward 0. Cells whose episodes continue do not wait for it to be asked.

    Args:
        namespaces: namespaces of the cells.
        options: handed to every RosEnv.
    Raises: ValueError without namespaces or if the cells are not of one kind; EnvironmentLost.
    """

    def __init__(self, namespaces: Sequence[str], **options: Any) -> None:
        if not namespaces:
            raise ValueError("RosVecEnv: no namespace, at least one is needed")
        self.envs: list[RosEnv] = []
        try:
            for namespace in namespaces:
                self.envs.append(RosEnv(namespace, **options))
            first = self.envs[0]
            for namespace, env in zip(namespaces, self.envs, strict=True):
                same = (env.observation_space, env.action_space, env.frame_layout) == (
                    first.observation_space, first.action_space, first.frame_layout
                )  # fmt: skip
                if not same:
                    raise ValueError(
                        f"RosVecEnv: {namespace} is {env.description.task} "
                        f"({env.observation_space}, {env.action_space}), {namespaces[0]} is "
                        f"{first.description.task} ({first.observation_space}, "
                        f"{first.action_space}); all must be of one kind"
                    )
        except BaseException:
            self.close()
            raise
        self.num_envs = len(self.envs)
        self.single_observation_space: gymnasium.Space[Any] = first.observation_space
        self.single_action_space: gymnasium.Space[Any] = first.action_space
        self.observation_space: gymnasium.Space[Any] = batch_space(
            first.observation_space, self.num_envs
        )
        self.action_space: gymnasium.Space[Any] = batch_space(first.action_space, self.num_envs)
        self.frame_layout = first.frame_layout
        self.action_repeat = first.action_repeat
        self.metadata = {**first.metadata, "autoreset_mode": AutoresetMode.NEXT_STEP}
        self._ended = np.zeros(self.num_envs, bool)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every cell; one seed gives the cells seed, seed + 1, ..."""
        seeds: Sequence[int | None]
        if seed is None or isinstance(seed, (int, np.integer)):
            seeds = [None if seed is None else int(seed) + i for i in range(self.num_envs)]
        else:
            seeds = list(seed)
        observations: list[Any] = []
        infos: dict[str, Any] = {}
        for i, env in enumerate(self.envs):
            observation, info = env.reset(seed=seeds[i], options=options)
            observations.append(observation)
            infos = self._add_info(infos, info, i)
        self._ended[:] = False
        return self._batch(observations), infos

    def step(
        self, actions: npt.NDArray[np.float32]
    ) -> tuple[
        Any, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]
    ]:
        """Step every cell; ``actions`` is ``(num_envs, A)``.

        Returns: observations ``(num_envs, ...)``, rewards, terminated and truncated
        ``(num_envs,)``, infos as gymnasium batches them.
        """
        rewards = np.zeros(self.num_envs, np.float64)
        terminated = np.zeros(self.num_envs, bool)
        truncated = np.zeros(self.num_envs, bool)
        observations: list[Any] = [None] * self.num_envs
        infos: dict[str, Any] = {}
        ended = self._ended.copy()
        for i in np.flatnonzero(~ended):
            self.envs[i].send(actions[i])
        for i in np.flatnonzero(ended):
            observations[i], info = self.envs[i].reset()
            infos = self._add_info(infos, info, int(i))
        for i in np.flatnonzero(~ended):
            observations[i], rewards[i], terminated[i], truncated[i], info = self.envs[i].receive()
            infos = self._add_info(infos, info, int(i))
        self._ended = terminated | truncated
        return self._batch(observations), rewards, terminated, truncated, infos

    def close(self, **options: Any) -> None:
        """Leave all cells."""
        for env in self.envs:
            env.close()

    def _batch(self, observations: list[Any]) -> Any:
        out: Any = create_empty_array(self.single_observation_space, len(observations))
        return concatenate(self.single_observation_space, observations, out)
