"""When a run is over, and what is due at which of its agent steps."""

from __future__ import annotations

from dataclasses import dataclass

from mentor_policy.config.train import TrainConfig


@dataclass(frozen=True)
class Schedule:
    """Agent steps, from the frames that the settings name.

    Args:
        train: the settings; read at each use, since a node fills some in late.
    """

    train: TrainConfig

    @property
    def last_step(self) -> int:
        """The step after which the run is complete."""
        return self.steps(self.train.frames)

    @property
    def seed_steps(self) -> int:
        """Steps before the first update."""
        return self.train.seed_frames // self.train.action_repeat

    @property
    def evaluation_interval(self) -> int:
        """Steps from one evaluation to the next."""
        return self.steps(self.train.eval_every_frames or self.train.frames)

    def steps(self, frames: int) -> int:
        """Return the steps that make up at least so many frames."""
        return -(-frames // self.train.action_repeat)

    def frames(self, step: int) -> int:
        """Return the frames of so many steps."""
        return step * self.train.action_repeat

    def after(self, step: int, frames: int) -> int:
        """Return the first multiple of an interval of ``frames`` that lies after a step."""
        every = self.steps(frames)
        return (step // every + 1) * every

    def updates_allowed(self, step: int) -> int:
        """Return the cap: updates that so many steps allow in all.

        One update every ``update_every`` steps from the seed steps on, or ``updates_per_step``
        updates a step where that is set.
        """
        train, seed = self.train, self.seed_steps
        if not train.learn or step < seed:
            return 0
        if train.updates_per_step:
            return int(train.updates_per_step * (step - seed + 1))
        # Multiples of update_every among the steps from the seed steps on, step 0 left out.
        return step // train.update_every - max(0, seed - 1) // train.update_every
