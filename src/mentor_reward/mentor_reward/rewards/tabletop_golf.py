"""The reward of tabletop golf: where the ball is, seen or true, and eq. 8."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mentor_common.tasks.golf_court import BallPlace, Court
from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardNeeds,
    RewardOptions,
    StepInputs,
    StepReward,
)
from mentor_common.tasks.tabletop_golf import BALL_LOST, BALL_PLACE, golf_reward_of
from mentor_common.tasks.task import Task
from mentor_reward.tracker.ball_tracker import BallTracker, TrackedBall
from mentor_reward.tracker.court_camera import CourtCamera, load_marks

LOST = 3.0
"""Seconds after which a ball that is not seen is lost; nothing is learned then."""
VALUES = ("ball_x", "ball_y", BALL_PLACE)


class TabletopGolfReward:
    """A RewardModel.

    An episode is cut off some steps after the ball has left the court, and it is no terminal state:
    eq. 8 pays more than 0 at most places, so that an end without value would make the hole worse
    than its neighbourhood.

    Args:
        task: task whose section ``reward`` has the values of eq. 8.
        options: ``states`` decides whether the ball is tracked in the court cameras or taken from
            the ground truth; ``weights`` is the folder of the cameras' calibration.

    Raises:
        ValueError: the task file or the calibration is refused.
    """

    def __init__(self, task: Task, options: RewardOptions) -> None:
        self._reward = golf_reward_of(task)
        self._strike = [d.delta is None for d in task.action].index(True)
        self._seen: _SeenBalls | None = None
        self.needs = RewardNeeds(action=True, ground_truth=True)
        if options.states != "ground_truth":
            self._seen = _SeenBalls(task, self._reward.court, options.weights)
            self.needs = RewardNeeds(task.rewarded_cameras, action=True)
        self.last_ball: TrackedBall | None = None
        """The ball after the last step."""
        self._steps_after = 0

    def begin_episode(self, episode: EpisodeInfo, inputs: StepInputs | None) -> None:
        """Forget the last episode; the images of step 0 show where the ball lies."""
        self.last_ball, self._steps_after = None, 0
        if self._seen is not None:
            self._seen.begin(inputs)

    def compute(self, step: StepInputs) -> StepReward:
        """Return eq. 8 after the step.

        A ball that has left the court stays where it went, once that is confirmed. A step after
        which the ball is lost is not valid; its states say so.

        Raises:
            ValueError: two balls are seen, or the ground truth is incomplete.
        """
        before = self.last_ball
        had_left = before is not None and before.place is not BallPlace.ON_COURT
        if before is not None and before.gone:
            ball: TrackedBall | None = before  # even if something hides it now
        else:
            ball = _true_ball(step) if self._seen is None else self._seen.ball(step)
        self.last_ball = ball
        if ball is None or (ball.age > LOST and not ball.gone):
            return _lost(ball)
        left = ball.place is not BallPlace.ON_COURT
        self._steps_after = self._steps_after + 1 if left and had_left else 0
        struck = step.action is not None and float(step.action[self._strike]) > 0.0
        terms = self._reward.terms(step.pose, ball.at, struck, ball.place)
        return StepReward(
            sum(terms.values()),
            terms,
            truncated=left and self._steps_after >= self._reward.last_steps,
            success=ball.place is BallPlace.IN_HOLE,
            states=_states(ball),
        )


def _states(ball: TrackedBall) -> dict[str, float]:
    return {
        "ball_x": ball.at[0],
        "ball_y": ball.at[1],
        BALL_PLACE: float(ball.place),
        "ball_age": ball.age,
        "ball_confidence": ball.confidence,
        BALL_LOST: 0.0,
    }


def _lost(ball: TrackedBall | None) -> StepReward:
    """Return the reward of a step after which nobody knows where the ball is."""
    if ball is None:
        reason = "the court cameras have not seen the ball since the episode began"
        return replace(StepReward.invalid(reason), states={BALL_LOST: 1.0})
    reason = (
        f"the ball has not been seen for {ball.age:.1f} s, last at ({ball.at[0]:.2f}, "
        f"{ball.at[1]:.2f}) m: hidden by the arm, or lost"
    )
    return replace(StepReward.invalid(reason), states={**_states(ball), BALL_LOST: 1.0})


class _SeenBalls:
    """The ball as the court cameras see it.

    Args:
        task: task whose cameras they are.
        court: its geometry.
        folder: folder of the calibration; empty: the twin's.

    Raises:
        ValueError: the calibration is refused, or a camera has none.
    """

    def __init__(self, task: Task, court: Court, folder: str) -> None:
        marks = load_marks(Path(folder) if folder else None)
        missing = [name for name in task.rewarded_cameras if name not in marks]
        if missing:
            raise ValueError(f"no calibration of the cameras {missing}; there is {sorted(marks)}")
        cameras = {name: CourtCamera(marks[name], court, name) for name in task.rewarded_cameras}
        self._tracker = BallTracker(cameras, court)

    def begin(self, inputs: StepInputs | None) -> None:
        """Begin an episode with the images of step 0, where there are any."""
        self._tracker.begin()
        if inputs is not None:
            self._take(inputs)

    def ball(self, step: StepInputs) -> TrackedBall | None:
        """Return the ball after a step; None: it has not been seen since the episode began."""
        self._take(step)
        return self._tracker.ball()

    def _take(self, step: StepInputs) -> None:
        """Take the images of a step, oldest first: each of the camera that has the fewest with
        that of the other which is nearest in time."""
        for leader in min(step.images.values(), key=len, default=()):
            pair = {
                name: min(images, key=lambda image: abs(image.stamp - leader.stamp))
                for name, images in step.images.items()
            }
            images = {name: image.pixels for name, image in pair.items()}
            self._tracker.see(images, max(image.stamp for image in pair.values()))


def _true_ball(step: StepInputs) -> TrackedBall:
    values = step.ground_truth or {}
    missing = [name for name in VALUES if name not in values]
    if missing:
        raise ValueError(f"the ground truth lacks {missing}; it has {sorted(values)}")
    at = (float(values["ball_x"]), float(values["ball_y"]))
    return TrackedBall(at, BallPlace(round(values[BALL_PLACE])))
