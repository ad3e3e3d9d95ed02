"""MT5: the five opposing skills of section 3.1, one a episode, in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentor_sim_bridge.benchmarks.metaworld import CAMERA, MetaworldBody
from mentor_sim_bridge.benchmarks.names import MT5
from mentor_sim_bridge.benchmarks.pixel_env import PixelEnv
from mentor_sim_bridge.benchmarks.simulator import Body, Outcome


class Mt5Body(Body):
    """Five Meta-World tasks behind one environment.

    Which task an episode has: ``options["task_id"]`` if given; else ``seed % 5`` if seeded, so
    that one seed means one trajectory and successive seeds go through all tasks; else the next in
    turn.
    ``info`` of reset and step holds ``task_id`` (0 to 4, in the order of ``names.MT5``) and
    ``task``.

    Args:
        image_size: pixels.
        camera: name of a camera of the suite.
        stock: draw the suite's look.
        state: None, ``robot``, ``full`` (of the task) or ``task_id`` (one-hot).
    """

    def __init__(
        self,
        image_size: int = 84,
        camera: str = CAMERA,
        stock: bool = False,
        state: str | None = None,
    ) -> None:
        self._one_hot = state == "task_id"
        own = None if self._one_hot else state
        self._bodies = [MetaworldBody(task, False, image_size, camera, stock, own) for task in MT5]
        first = self._bodies[0]
        self.camera = camera
        self.action_names = first.action_names
        self.max_frames = first.max_frames
        self.frame_seconds = first.frame_seconds
        self.state_size = len(MT5) if self._one_hot else first.state_size
        self.task_id = len(MT5) - 1
        self._successes = [0] * len(MT5)
        self._episodes = [0] * len(MT5)
        self._stepped = self._succeeded = False
        self._seeds: dict[int, int] = {}

    @property
    def task(self) -> str:  # type: ignore[override]
        """The suite and the episode's task, e.g. ``metaworld-mt5/door_open``."""
        return "metaworld-mt5/" + MT5[self.task_id].replace("-", "_")

    def success_by_task(self) -> dict[str, tuple[int, int]]:
        """Per task: episodes with success so far, and episodes that took at least one step."""
        return {name: (self._successes[i], self._episodes[i]) for i, name in enumerate(MT5)}

    def reset(self, seed: int | None, options: dict[str, Any]) -> None:
        """Begins an episode of the task that is due.

        Raises:
            ValueError: ``options["task_id"]`` is not an integer from 0 to 4.
        """
        wanted = options.get("task_id")
        if wanted is not None:
            if isinstance(wanted, bool) or int(wanted) != wanted or not 0 <= wanted < len(MT5):
                raise ValueError(f"task_id is {wanted!r}, must be 0 to {len(MT5) - 1}")
            self.task_id = int(wanted)
        elif seed is not None:
            self.task_id = seed % len(MT5)
        else:
            self.task_id = (self.task_id + 1) % len(MT5)
        self._stepped = self._succeeded = False
        if seed is not None:
            # A seed is for all that follows: the others take theirs when their turn comes.
            self._seeds = {i: seed + i for i in range(len(MT5))}
            self._seeds[self.task_id] = seed
        self._bodies[self.task_id].reset(self._seeds.pop(self.task_id, None), {})

    def info(self) -> dict[str, Any]:
        """Which task the episode has."""
        return {"task_id": self.task_id, "task": self.task}

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Goes on by one step of the suite, and keeps the books."""
        outcome = self._bodies[self.task_id].step(action)
        if not self._stepped:
            self._stepped = True
            self._episodes[self.task_id] += 1
        if outcome.success and not self._succeeded:
            self._succeeded = True
            self._successes[self.task_id] += 1
        return outcome

    def render(self) -> NDArray[np.uint8]:
        """What the camera sees now."""
        return self._bodies[self.task_id].render()

    def state(self) -> NDArray[np.float32]:
        """One-hot task id, or the task's own state."""
        if self._one_hot:
            return np.eye(len(MT5), dtype=np.float32)[self.task_id]
        return self._bodies[self.task_id].state()

    def close(self) -> None:
        """Frees all five."""
        for body in self._bodies:
            body.close()


def make(
    image_size: int = 84,
    frame_stack: int = 3,
    action_repeat: int = 2,
    camera: str = CAMERA,
    stock: bool = False,
    state: str | None = None,
    render_mode: str | None = None,
) -> PixelEnv:
    """Makes ``mentor/metaworld-mt5-v0``."""
    body = Mt5Body(image_size, camera, stock, state)
    return PixelEnv(body, action_repeat, frame_stack, image_size, render_mode)
