"""The ball tracker on balls that roll fast through the twin, with each class of place by itself."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest

from mentor_common.arm.arm import Arm
from mentor_common.tasks.golf_court import BallPlace
from mentor_common.tasks.tabletop_golf import golf_reward_of
from mentor_common.tasks.task import find_task
from mentor_reward.tracker.ball_tracker import BallTracker
from mentor_reward.tracker.court_camera import CourtCamera, load_marks
from mentor_sim_bridge.twins.golf.config import load_golf_config
from mentor_sim_bridge.twins.golf.simulator import GolfSimulator

TASK = find_task("tabletop_golf")
COURT = golf_reward_of(TASK).court
CAMERAS = {name: CourtCamera(marks, COURT, name) for name, marks in load_marks(None).items()}
BALLS, IMAGES, HIDDEN = 25, 14, (4, 5, 6)
"""Balls, images of each, and those in which something hides it from both cameras."""
PERIOD, SHORT = 0.125, 0.03
"""Seconds between two images, and before the first."""
UNSEEN_GROUP = 5
"""Group of geoms that is not rendered."""
LEAST = {"ON_COURT": 100, "IN_HOLE": 20, "IN_WATER": 20, "OUT": 20, "hidden": 30}
"""Images of each class, at least."""


class Rolled:
    """What the tracker reports of balls that roll at 0.5 to 1.0 m/s.

    Args:
        disturbance: disturbance of every episode.

    Attributes:
        right: whether each image was read right, by place, and "hidden".
        errors: distance between ball and tracked ball while it rolls, metres.
        speeds: its speed then, m/s.
    """

    def __init__(self, disturbance: str) -> None:
        self.twin = GolfSimulator(load_golf_config(), TASK)
        self._arm = Arm(self.twin, TASK.workspace, TASK.deltas, TASK.episode.period)
        self.right: dict[str, list[bool]] = defaultdict(list)
        self.errors: list[float] = []
        self.speeds: list[float] = []
        for number in range(BALLS):
            self._roll(number, disturbance)
        self.twin.close()

    def _roll(self, number: int, disturbance: str) -> None:
        twin, random = self.twin, np.random.default_rng(number)
        self._arm.begin_episode(900 + number, [0.0, 0.9, 0.0], options={"disturbance": disturbance})
        start, velocity = aim(number, random)
        twin.ball.lay(*start)
        twin.ball.roll(*velocity)
        self._last = BallPlace.ON_COURT
        tracker, group = BallTracker(CAMERAS, COURT), twin.model.geom("ball").group
        for image in range(IMAGES):
            hides = number % 5 > 2 and image in HIDDEN
            group[0] = UNSEEN_GROUP if hides else 0
            self._arm.hold(PERIOD if image else SHORT)
            seen = {name: TASK.camera(name).cropped(twin.render(name)) for name in CAMERAS}
            tracker.see(seen, twin.time)
            self._note(tracker, hides)

    def _note(self, tracker: BallTracker, hides: bool) -> None:
        ball, true = tracker.ball(), self.twin.ground_truth().values
        place = BallPlace(round(true["ball_place"]))
        if place is not self._last:  # over an edge just now: it may still be read either way
            self._last = place
            return
        if hides:
            self.right["hidden"].append(ball.hidden and ball.place is place)
            return
        self.right[place.name].append(ball.place is place and not ball.hidden)
        if place is BallPlace.ON_COURT and true["ball_speed"] > 0.0:
            self.errors.append(math.dist(ball.at, (true["ball_x"], true["ball_y"])))
            self.speeds.append(true["ball_speed"])


def aim(number: int, random: np.random.Generator) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return place (m) and velocity (m/s) of a ball, aimed at hole, water or border, or along the
    court."""
    speed = random.uniform(0.5, 1.0)
    goal = np.array(COURT.hole)
    angle = random.uniform(-2.5, -0.6)  # towards -y
    if number % 5 == 1:
        goal = random.uniform(COURT.water.low, COURT.water.high)
    elif number % 5 == 2:
        goal, angle = np.array([COURT.inside.low[0], random.uniform(-0.2, 0.1)]), math.pi
        speed = random.uniform(0.85, 1.0)
    elif number % 5 > 2:
        goal, angle = np.array([0.36, 0.0]), random.uniform(-1.7, -1.5)
    course = np.array([math.cos(angle), math.sin(angle)])
    return tuple((goal - 0.2 * course).tolist()), tuple((speed * course).tolist())


@pytest.mark.parametrize("disturbance", ["none", "unseen_visuals"])
def test_a_ball_that_rolls_at_up_to_1_m_s_is_followed_in_every_class_of_place(disturbance):
    found = Rolled(disturbance)
    fast = np.array(found.errors)[np.array(found.speeds) > 0.5]
    assert max(found.speeds) > 0.9 and len(fast) >= 50 and len(found.errors) >= 100
    for errors in (found.errors, fast):
        assert np.median(errors) < 0.010 and np.percentile(errors, 95) < 0.025
    for name, least in LEAST.items():
        right = found.right[name]
        assert len(right) >= least and np.mean(right) >= 0.99, (name, len(right), np.mean(right))
