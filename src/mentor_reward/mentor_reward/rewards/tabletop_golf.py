"""The reward of tabletop golf: where the ball is, seen or true, and eq. 8."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mentor_common.tasks.golf_court import BallPlace
from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardNeeds,
    RewardOptions,
    StepInputs,
    StepReward,
)
from mentor_common.tasks.tabletop_golf import golf_reward_of
from mentor_common.tasks.task import Task

VALUES = ("ball_x", "ball_y", "ball_place")


@dataclass(frozen=True)
class SeenBall:
    """The ball at the end of a step.

    Args:
        at: (x, y), metres.
        place: where it is.
    """

    at: tuple[float, float]
    place: BallPlace


class TabletopGolfReward:
    """A RewardModel.

    An episode is cut off some steps after the ball has left the court, and it is no terminal state:
    eq. 8 pays more than 0 at most places, so that an end without value would make the hole worse
    than its neighbourhood.

    Args:
        task: whose section ``reward`` has the values of eq. 8.
        options: ``states`` decides whether the ball is tracked in the court cameras or taken from
            the ground truth; ``weights`` is the folder of the cameras' calibration.

    Raises:
        ValueError: the task file or the calibration is refused.
    """

    def __init__(self, task: Task, options: RewardOptions) -> None:
        self._reward = golf_reward_of(task)
        self._strike = [d.delta is None for d in task.action].index(True)
        self._ball: Callable[[StepInputs], SeenBall] = _true_ball
        self.needs = RewardNeeds(action=True, ground_truth=True)
        self._last: SeenBall | None = None
        self._steps_after = 0

    def begin_episode(self, episode: EpisodeInfo, inputs: StepInputs | None) -> None:
        """Forget the last episode."""
        self._last, self._steps_after = None, 0

    def compute(self, step: StepInputs) -> StepReward:
        """Return eq. 8 after the step; a ball that has left the court stays where it went."""
        ball = self._ball(step)
        if self._last is not None and self._last.place is not BallPlace.ON_COURT:
            ball = self._last
            self._steps_after += 1
        self._last = ball
        struck = step.action is not None and float(step.action[self._strike]) > 0.0
        at = self._reward.normalised(ball.at)
        terms = self._reward.terms(step.pose, at, struck, ball.place)
        left = ball.place is not BallPlace.ON_COURT
        return StepReward(
            sum(terms.values()),
            terms,
            truncated=left and self._steps_after >= self._reward.last_steps,
            success=ball.place is BallPlace.IN_HOLE,
        )


def _true_ball(step: StepInputs) -> SeenBall:
    values = step.ground_truth or {}
    missing = [name for name in VALUES if name not in values]
    if missing:
        raise ValueError(f"the ground truth lacks {missing}; it has {sorted(values)}")
    at = (float(values["ball_x"]), float(values["ball_y"]))
    return SeenBall(at, BallPlace(round(values["ball_place"])))
