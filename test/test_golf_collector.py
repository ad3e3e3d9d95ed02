"""The golf cell's reset routine with the twin's collector on gpiozero's mock pins, without ROS."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gpiozero
import numpy as np
import pytest

from mentor_common.arm.arm import Arm
from mentor_common.tasks.golf_court import BallPlace
from mentor_common.tasks.reset_routine import (
    AskForHelp,
    Move,
    Part,
    PartFailed,
    PartResult,
    ResetContext,
    Rest,
    Wait,
)
from mentor_common.tasks.tabletop_golf import LIGHT_SENSOR, MOTOR
from mentor_common.tasks.task import find_task
from mentor_reset.devices.ball_collector import BallCollector
from mentor_reset.execution.attempt import run_routine
from mentor_reset.routines.tabletop_golf import TabletopGolfReset
from mentor_sim_bridge.twins.devices import HasDevices
from mentor_sim_bridge.twins.golf.config import load_golf_config
from mentor_sim_bridge.twins.golf.simulator import GolfSimulator

TASK = find_task("tabletop_golf")
START = np.array([0.0, 0.9, 0.0], np.float32)
HIGH, LOW = 17, 27
CONTEXT = ResetContext(START, np.zeros(3, np.float32), np.random.default_rng(0))


class Cell:
    """Carries a routine's parts out on the twin, whose collector drives the mock pins."""

    def __init__(self) -> None:
        self.twin = GolfSimulator(load_golf_config(), TASK)
        self.arm = Arm(self.twin, TASK.workspace, TASK.deltas, TASK.episode.period)
        self.routine = TabletopGolfReset(TASK)
        self.pins = BallCollector(HIGH, LOW, lambda on: self.twin.switch(MOTOR, on))
        self.routine.use(self.pins)
        self.asked: list[str] = []
        self.answer: Callable[[], None] = lambda: None
        self.arm_fault = ""

    def sink(self, seed: int = 1) -> None:
        """Drop the ball into the hole; the reward of a step shows it there."""
        self.arm.begin_episode(seed, START)
        self.twin.ball.lay(*self.twin.court.hole)
        self.arm.hold(0.5)
        assert self.twin.ball.place is BallPlace.IN_HOLE and self.twin.ground_truth().success
        self.reward(ball_place=BallPlace.IN_HOLE, ball_lost=0.0)

    def reward(self, **states: float) -> None:
        """Give the routine the reward of a step; without states that of a fault."""
        self.routine.note_reward(SimpleNamespace(
            valid=bool(states), truncated=True, success=False, step=50, reason="the ball",
            state_names=list(states), states=[float(value) for value in states.values()],
        ))  # fmt: skip

    def reset(self) -> list[str]:
        """Do the routine; return the stages, once each."""
        self.parts: list[Part] = []
        run_routine(self.routine.parts(CONTEXT), self._do)
        assert not self.pins.motor_runs, "the motor never runs on"
        return list(dict.fromkeys(part.stage for part in self.parts))

    def _do(self, part: Part) -> PartResult:
        self.parts.append(part)
        if isinstance(part, Move):
            self.arm.move(part.target, 1.0)
        elif isinstance(part, Wait):
            if self.arm_fault:
                raise PartFailed(Move(part.stage), self.arm_fault)
            for _ in range(round(part.timeout / 0.1)):
                self.pins.set_sensor(self.twin.sensor_signals()[LIGHT_SENSOR])
                if part.condition():
                    return PartResult()
                self.arm.hold(0.1)
            raise PartFailed(part, f"{part.waiting_for} did not come in {part.timeout:.1f} s")
        elif isinstance(part, AskForHelp):
            self.asked.append(part.request)
            self.answer()
        return PartResult()


@pytest.fixture(scope="module")
def made() -> Cell:
    return Cell()


@pytest.fixture
def cell(made: Cell) -> Cell:
    made.twin.collector.broken, made.asked, made.answer = "", [], lambda: None
    made.arm_fault = ""
    return made


def test_the_twin_offers_its_sensor_and_its_motor_as_devices(cell: Cell) -> None:
    assert isinstance(cell.twin, HasDevices)
    assert cell.twin.switches == (MOTOR,) and set(cell.twin.sensor_signals()) == {LIGHT_SENSOR}


def test_the_ball_that_fell_into_the_hole_comes_back_onto_the_court(cell: Cell) -> None:
    cell.sink()
    stages = cell.reset()
    assert stages == [*cell.routine.stages, "begin_episode"] and not cell.asked
    assert cell.twin.ball.place is BallPlace.ON_COURT
    assert cell.twin.court.inside.contains((cell.twin.ball.x, cell.twin.ball.y))


def test_an_arm_fault_during_the_wait_for_the_ball_is_not_put_down_to_the_collector(
    cell: Cell,
) -> None:
    cell.sink()
    cell.arm_fault = "reflex: contact"
    with pytest.raises(PartFailed, match="reflex: contact"):
        cell.reset()
    assert not cell.asked and not cell.pins.motor_runs


def test_a_ball_that_came_back_before_the_reset_failed_is_not_waited_for_again(cell: Cell) -> None:
    cell.sink()

    def never_still(part: Part) -> PartResult:
        if isinstance(part, Rest):
            raise PartFailed(part, "the arm does not stand still")
        return cell._do(part)

    cell.parts = []
    with pytest.raises(PartFailed, match="does not stand still"):
        run_routine(cell.routine.parts(CONTEXT), never_still)
    assert cell.twin.ball.place is BallPlace.ON_COURT
    assert "return_ball" not in cell.reset() and not cell.asked


def test_the_speed_with_which_it_comes_back_differs(cell: Cell) -> None:
    places = set()
    for seed in range(2):
        cell.sink(seed=seed)
        cell.reset()
        places.add(round(cell.twin.ball.x, 4))
    assert len(places) == 2


@pytest.mark.parametrize(
    "rewards",
    [
        [{"ball_place": BallPlace.ON_COURT, "ball_lost": 0.0}],
        [{}],  # two balls at the start, or an arm fault: nothing is known of the ball
        [{"ball_lost": 1.0}, {"ball_place": BallPlace.ON_COURT, "ball_lost": 0.0}],
    ],
)
def test_a_ball_that_is_not_known_to_have_left_the_court_is_not_waited_for(
    cell: Cell, rewards: list[dict[str, float]]
) -> None:
    """However early or late the episode ended, and whatever the reason says."""
    cell.arm.begin_episode(2, START)
    for states in rewards:
        cell.reward(**states)
    assert "return_ball" not in cell.reset() and not cell.asked


@pytest.mark.parametrize("place", [BallPlace.IN_HOLE, BallPlace.IN_WATER, BallPlace.OUT])
def test_a_ball_that_left_is_waited_for_whatever_ended_the_episode(
    cell: Cell, place: BallPlace
) -> None:
    cell.sink()
    cell.reward(ball_place=place, ball_lost=0.0)  # of the last step that an episode may have
    cell.reward()  # an arm fault
    assert "return_ball" in cell.reset() and not cell.asked
    assert "return_ball" not in cell.reset(), "the next episode begins with the ball on the court"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            "ball lost",
            r"the ball at the light sensor \(pin 17; mock pins, for a board set "
            r"GPIOZERO_PIN_FACTORY\) did not come in 20\.0 s",
        ),
        ("motor dead", r"motor on pin 27 runs, light sensor on pin 17 sees a ball"),
        ("sensor stuck", r"motor on pin 27 runs, light sensor on pin 17 sees a ball"),
    ],
)
def test_a_broken_collector_is_one_request_and_the_reset_goes_on_when_it_is_mended(
    cell: Cell, broken: str, said: str
) -> None:
    cell.sink()
    cell.twin.collector.broken = broken

    def mend() -> None:
        cell.twin.collector.broken = ""
        cell.pins.set_sensor(cell.twin.sensor_signals()[LIGHT_SENSOR])

    cell.answer = mend
    assert cell.reset()[-1] == "begin_episode"
    assert len(cell.asked) == 1, cell.asked
    assert re.search(said, cell.asked[0]) and "put the ball onto the court" in cell.asked[0]


@pytest.mark.parametrize("states", [{"ball_place": BallPlace.ON_COURT}, {}])
def test_a_ball_that_no_camera_sees_is_waited_for(cell: Cell, states: dict[str, float]) -> None:
    """Wherever it was seen last, or if it was never seen."""
    cell.sink()
    cell.reward(**states, ball_lost=1.0)
    assert "return_ball" in cell.reset() and not cell.asked


def test_a_motor_that_an_earlier_node_left_on_is_switched_off(cell: Cell) -> None:
    cell.twin.switch(MOTOR, True)
    again = BallCollector(HIGH, LOW, lambda on: cell.twin.switch(MOTOR, on))
    assert not cell.twin.collector.motor
    again.close()


def test_the_sensor_pin_is_released_where_the_motor_pin_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(gpiozero, "DigitalInputDevice", lambda *a, **b: SimpleNamespace(
        close=lambda: closed.append("sensor")
    ))  # fmt: skip
    with pytest.raises(OSError, match="pins 17 and 99 cannot be used"):
        BallCollector(HIGH, 99)
    assert closed == ["sensor"]


class Node:
    """Has what a routine uses of the reset node when it opens its devices."""

    def __init__(self) -> None:
        self.published: list[bool] = []
        self.watched: list[str] = []
        self.repeat: Callable[[], None] = lambda: None
        self.peers = SimpleNamespace(publisher_of=lambda topic: self.watched.append(topic.name))

    def publisher(self, topic: Any) -> Any:
        return SimpleNamespace(publish=lambda message: self.published.append(message.data))

    def subscription(self, topic: Any, callback: Any) -> None: ...

    def timer(self, seconds: float, callback: Callable[[], None], *, wall: bool) -> None:
        self.repeat = callback

    def get_logger(self) -> Any:
        return SimpleNamespace(info=lambda text: None)


def test_who_drives_the_mock_pins_is_a_peer_that_is_missed_and_is_told_that_the_motor_is_off() -> (
    None
):
    node, routine = Node(), TabletopGolfReset(TASK)
    routine.open(node)
    assert node.watched == ["device/light_sensor"]
    node.published.clear()  # a node that is not active yet publishes nothing
    node.repeat()
    assert node.published == [False]
    routine.close()
