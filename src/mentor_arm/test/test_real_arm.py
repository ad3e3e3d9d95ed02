"""Adversarial actions and goals against a real arm's step, with a stand-in as fast as its clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mentor_arm.backends.real_arm import RealArm
from mentor_arm.backends.stand_in import FastClock, StandInDriver
from mentor_arm.limits import PoseBounds, task_bounds
from mentor_common.arm.arm import Arm, MotionOutcome
from mentor_common.arm.command import Command, CommandStatus
from mentor_common.arm.step_server import MoveFailed, StepServer
from mentor_common.arm.trajectory import seconds_of
from mentor_common.cell.cell_file import Cell
from mentor_common.tasks.arm_section import MotionLimits
from mentor_common.tasks.task import Task, find_task

SECOND = 1_000_000_000
EXECUTED = (CommandStatus.EXECUTED, CommandStatus.CLIPPED)


class Witness(StandInDriver):
    """Checks every command by its own means: bounds, speed and acceleration by differences."""

    def __init__(self, task: Task, bounds: PoseBounds, clock: FastClock) -> None:
        super().__init__(task.workspace, task.workspace.xyzr(np.zeros(2)))
        self._bounds, self._limits, self._clock = bounds, task.arm.limits, clock
        self._before, self._velocity, self._gap = clock.monotonic(), np.zeros(3), 0.0
        self.worst = dict.fromkeys(("outside", "speed", "acceleration"), 0.0)

    def command(self, pose: np.ndarray, velocity: np.ndarray | None = None) -> None:
        now, last = self._clock.monotonic(), self.at.copy()
        super().command(pose, velocity)
        gap, self._before = now - self._before, now
        if gap > 0.03:  # it stood still in between
            self._velocity, self._gap, gap = np.zeros(3), 0.01, 0.01
        velocity = (self.at - last)[:3] / gap
        change = np.linalg.norm(velocity - self._velocity) / ((gap + self._gap) / 2.0)
        self._velocity, self._gap = velocity, gap
        for name, value in (
            ("outside", self._bounds.excess(self.at)),
            ("speed", float(np.linalg.norm(velocity))),
            ("acceleration", float(change)),
        ):
            self.worst[name] = max(self.worst[name], value)


class Rig:
    """The step of the cable task over the witness."""

    def __init__(self, window_offset: tuple[float, float] = (-0.3, 0.3)) -> None:
        task = find_task("cable_routing")
        self.task = replace(task, window_offset={name: window_offset for name in ("x", "z")})
        self.clock = FastClock()
        self.bounds = task_bounds(self.task, Cell())
        self.driver = Witness(self.task, self.bounds, self.clock)
        self.real = RealArm(
            self.driver, task.workspace, task.arm, self.bounds, rate=50.0, clock=self.clock
        )
        self.motions: list[tuple[int, int, MotionOutcome]] = []
        arm = Arm(self.real, task.workspace, task.deltas, task.episode.period)
        self.steps = StepServer(arm, 2, self)
        self.driver.connect()
        arm.stop()

    def show(self, frames: bool) -> None: ...

    def moved(self, episode: int, step: int, outcome: MotionOutcome) -> None:
        self.motions.append((episode, step, outcome))

    def pace(self) -> None: ...

    def take(self, data: np.ndarray, **changes: int) -> CommandStatus:
        command = Command(
            self.steps.episode, self.steps.step, np.asarray(data), self.real.time, SECOND // 10
        )
        return self.steps.take(replace(command, **changes))[0]

    def check(self) -> None:
        limits: MotionLimits = self.task.arm.limits
        worst = self.driver.worst
        assert worst["outside"] <= 1e-9, worst
        assert worst["speed"] <= limits.speed * 1.0001, worst
        assert worst["acceleration"] <= limits.acceleration * 1.01, worst


def adversary(rig: Rig, actions: int, seed: int) -> dict[CommandStatus, int]:
    """Send actions of every kind of bad, and episodes and stops in between; count what became."""
    random = np.random.default_rng(seed)
    counts: dict[CommandStatus, int] = {}
    episode = 0
    for number in range(actions):
        if rig.steps.episode == 0 or random.random() < 0.02:
            episode += 1
            offset = random.uniform(-0.3, 0.3, 2)
            rig.steps.begin_episode(episode, None, random.uniform(-1.0, 1.0, 2), offset, 1.0)
        data = random.choice([0.3, 1.0, 30.0, 1e300]) * random.uniform(-1.0, 1.0, 2)
        changes: dict[str, int] = {}
        match number % 12:
            case 1:
                data[random.integers(2)] = random.choice([np.nan, np.inf, -np.inf])
            case 2:
                data = np.zeros(random.choice([0, 1, 3, 1000]))
            case 3:
                changes["stamp"] = rig.real.time - random.integers(SECOND // 5, 10 * SECOND)
            case 4:
                changes["stamp"] = rig.real.time + random.integers(SECOND // 5, 10 * SECOND)
            case 5:
                changes["step"] = int(random.integers(0, 2**32))
            case 6:
                changes["episode"] = int(random.integers(0, 2**63))
        moved, before = len(rig.motions), rig.driver.commands
        status = rig.take(data, **changes)
        counts[status] = counts.get(status, 0) + 1
        if status in EXECUTED:
            assert len(rig.motions) == moved + 1
        else:
            assert (len(rig.motions), rig.driver.commands) == (moved, before), "something moved"
    return counts


def goals(rig: Rig, number: int, seed: int) -> None:
    """Send moves to anywhere, at any speed, some of them interrupted."""
    random = np.random.default_rng(seed)
    for _ in range(number):
        target = random.choice([0.5, 1.0, 1.5]) * random.uniform(-1.0, 1.0, 2)
        left = int(random.integers(1, 40))

        def go_on(place: np.ndarray, distance: float) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyError("cancelled")

        try:
            rig.steps.go(target, float(random.uniform(1e-3, 1.0)), 20.0, go_on)
            assert np.abs(target).max() <= 1.0
        except MoveFailed:
            assert np.abs(target).max() > 1.0
        except KeyError:
            pass


@pytest.mark.parametrize("goal_count", [200, pytest.param(1_000, marks=pytest.mark.soak)])
def test_ten_times_as_many_adversarial_actions_as_goals_break_no_limit(goal_count: int) -> None:
    rig = Rig()
    counts = adversary(rig, 10 * goal_count, seed=0)
    goals(rig, goal_count, seed=1)
    rig.check()
    for status in (
        *EXECUTED, CommandStatus.NOT_FINITE, CommandStatus.WRONG_SIZE, CommandStatus.STALE,
        CommandStatus.FUTURE, CommandStatus.OTHER_STEP, CommandStatus.OTHER_EPISODE,
    ):  # fmt: skip
        assert counts[status] >= goal_count // 50, counts


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_a_million_actions_and_ten_thousand_goals_break_no_limit(part: int) -> None:
    rig = Rig()
    adversary(rig, 100_000, seed=100 + part)
    goals(rig, 1_000, seed=200 + part)
    rig.check()


def test_an_action_that_was_done_is_a_duplicate_and_moves_nothing() -> None:
    rig = Rig()
    rig.steps.begin_episode(7, None, np.zeros(2))
    assert rig.take(np.array([0.5, 0.5])) in EXECUTED
    before = rig.driver.commands
    assert rig.take(np.array([0.5, 0.5]), step=0) is CommandStatus.DUPLICATE
    assert rig.driver.commands == before


def test_a_strike_swings_through_the_target_with_its_share_of_the_speed_and_ends_there() -> None:
    """On golf, through the same checks; where the bounds end there is no room for a swing."""
    task, clock = find_task("tabletop_golf"), FastClock()
    driver = StandInDriver(task.workspace, task.workspace.xyzr(np.zeros(3)))
    fed: list[np.ndarray | None] = []
    poses: list[np.ndarray] = []

    def command(pose: np.ndarray, velocity: np.ndarray | None = None) -> None:
        driver.at = np.array(pose)
        poses.append(driver.at.copy())
        fed.append(velocity)

    driver.command = command  # type: ignore[method-assign]
    driver.connect()
    real = RealArm(driver, task.workspace, task.arm, task_bounds(task, Cell()), 100.0, clock)
    arm = Arm(real, task.workspace, task.deltas, task.episode.period)
    for strike, fastest in ((0.5, 0.35), (1.0, 0.7)):
        fed.clear(), poses.clear()
        outcome = arm.act([0.0, 0.0, 0.0, strike])
        assert not outcome.failed and np.allclose(outcome.normalized, 0.0, atol=1e-6)
        assert max(-v[1] for v in fed if v is not None) == pytest.approx(fastest, rel=0.03)
        assert min(p[1] for p in poses) < -0.02, "the club goes towards -y at an angle of 0"
    arm.move([0.0, -1.0, 0.0], 2.0)
    arm.window_offset = np.array([0.0, -0.1, 0.0])
    arm.move([0.0, -1.0, 0.0], 1.0)
    for _ in range(2):
        assert not arm.act([0.0, -1.0, 0.0, 1.0]).failed
    assert min(p[1] for p in poses) >= -0.44 - 1e-9


def test_a_stop_in_a_motion_ends_it_in_the_box_and_nothing_moves_until_the_release() -> None:
    rig = Rig()
    rig.steps.begin_episode(1, None, np.zeros(2))
    rig.pace = lambda: rig.real.stop("held")  # type: ignore[method-assign]
    assert rig.take(np.array([1.0, 1.0])) in EXECUTED
    failed = rig.motions[-1][2]
    assert failed.failed and failed.reason == "held" and failed.end - failed.begin < SECOND // 4
    at = rig.driver.at.copy()
    assert rig.take(np.array([1.0, 1.0]), step=1) is CommandStatus.IN_FAULT
    assert np.array_equal(rig.driver.at, at)
    rig.real.release()
    rig.pace = lambda: None  # type: ignore[method-assign]
    rig.steps.begin_episode(2, None, np.zeros(2))
    assert rig.take(np.array([1.0, 1.0])) in EXECUTED and not rig.motions[-1][2].failed
    rig.check()


def test_a_robot_that_goes_away_is_a_fault_until_it_is_back() -> None:
    rig = Rig()
    rig.steps.begin_episode(1, None, np.zeros(2))
    rig.driver.plugged = False
    rig.take(np.array([1.0, 0.0]))
    assert rig.motions[-1][2].failed and "unplugged" in rig.motions[-1][2].reason
    with pytest.raises(MoveFailed, match="unplugged"):
        rig.steps.recover(timeout=1.0)
    rig.driver.plugged = True
    rig.steps.recover(timeout=1.0)
    rig.steps.begin_episode(2, None, np.zeros(2))
    assert rig.take(np.array([0.2, 0.2])) in EXECUTED and not rig.motions[-1][2].failed


def test_a_force_beyond_the_limit_stops_the_arm() -> None:
    rig = Rig()
    rig.steps.begin_episode(1, None, np.zeros(2))
    rig.driver.force = 31.0
    rig.take(np.array([1.0, 0.0]))
    assert "external force 31.0 N, at most 30 N" in rig.motions[-1][2].reason
    rig.driver.force = 0.0
    rig.driver.plugged = False
    rig.real.idle()
    rig.driver.plugged = True
    rig.clock.sleep(2.0)
    rig.real.idle()
    assert "external force 31.0 N" in rig.real.fault, "a cable that was out and in ends no fault"
    rig.steps.recover()
    assert rig.real.fault == ""


@pytest.mark.parametrize("speed", [0.25, 10.0])
def test_a_move_that_mostly_turns_or_is_faster_than_the_limits_has_the_time_for_it(
    speed: float,
) -> None:
    task = find_task("peg_insertion")
    driver, clock = StandInDriver(task.workspace, task.workspace.xyzr(np.zeros(4))), FastClock()
    bounds = task_bounds(task, Cell())
    real = RealArm(driver, task.workspace, task.arm, bounds, rate=50.0, clock=clock)
    driver.connect()
    arm = Arm(real, task.workspace, task.deltas, task.episode.period)
    arm.stop()
    steps = StepServer(arm, len(task.deltas), Rig())
    starts = [0.7, 0.0, 0.5, -0.8], [0.7, 0.0, 0.5, 0.8], [0.8, 0.3, 0.5, 0.0]
    for episode, start in enumerate(starts):
        way = task.workspace.xyzr(np.array(start)) - task.workspace.xyzr(arm.position)
        seconds = seconds_of(way, speed, task.arm.limits)
        steps.begin_episode(episode + 1, None, start, seconds=seconds)
        assert np.allclose(arm.position, start, atol=0.05)


def test_a_hand_that_was_guided_askew_is_not_turned_upright_in_one_jump() -> None:
    rig = Rig()
    position, (x, y, z, w) = rig.driver.pose()
    tilt = np.array([np.cos(0.25), np.sin(0.25)])  # of 0.5 rad, about the hand's own x axis
    askew = np.array([x * tilt[0] + w * tilt[1], y * tilt[0] + z * tilt[1],
                      z * tilt[0] - y * tilt[1], w * tilt[0] - x * tilt[1]])  # fmt: skip
    rig.driver.pose = lambda: (position, askew)  # type: ignore[method-assign]
    sent = rig.real.commands
    with pytest.raises(MoveFailed, match=r"the hand is tilted by 0\.50 rad, at most 0\.2"):
        rig.steps.go(np.zeros(2), 1.0, 10.0, lambda place, distance: None)
    assert rig.real.commands == sent
    del rig.driver.pose  # type: ignore[misc]
    rig.steps.recover()
    rig.steps.go(np.zeros(2), 1.0, 10.0, lambda place, distance: None)
