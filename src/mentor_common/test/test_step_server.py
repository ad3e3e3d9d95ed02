"""The step: which actions move the arm, how far, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from fake_backend import WORKSPACE, FakeBackend, Seen, fake_arm

from mentor_common.arm.command import Command, CommandStatus
from mentor_common.arm.messages import clipped_start
from mentor_common.arm.step_server import MoveFailed, StepServer
from mentor_msgs.action import MoveTo

EPISODE = 7
SECOND = 1_000_000_000


@pytest.fixture
def backend():
    return FakeBackend()


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def server(backend, seen):
    made = StepServer(fake_arm(backend), 4, seen)
    made.begin_episode(EPISODE, 0, np.zeros(3))
    return made


def command(server, data=(0.5, 0.5, 0.5, 0.0), episode=EPISODE, step=None, age=0.0):
    stamp = server.arm.backend.time - round(age * SECOND)
    step = server.step if step is None else step
    return Command(episode, step, np.array(data, float), stamp, SECOND // 10)


def test_an_action_moves_each_axis_by_its_share_and_its_motion_is_told(server, seen):
    status, reason = server.take(command(server, (1.0, -1.0, 0.5, 0.7)))
    assert status is CommandStatus.EXECUTED and not reason
    assert np.allclose(server.arm.target, [0.2, -0.25, 0.0625])
    motion = seen.motions[EPISODE, 1]
    assert np.allclose(motion.normalized, server.arm.target) and not motion.clipped
    assert server.arm.backend.strikes == [0.7]
    assert seen.pictures == 3, "at the reset, where the motion begins, at its midpoint and its end"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"episode": 6}, CommandStatus.OTHER_EPISODE),
        ({"step": 0}, CommandStatus.DUPLICATE),
        ({"step": 2}, CommandStatus.OTHER_STEP),
        ({"age": 0.2}, CommandStatus.STALE),
        ({"age": -0.2}, CommandStatus.FUTURE),
        ({"data": (0.0, 0.0)}, CommandStatus.WRONG_SIZE),
        ({"data": (np.nan, 0.0, 0.0, 0.0)}, CommandStatus.NOT_FINITE),
        ({"data": (np.inf, 0.0, 0.0, 0.0)}, CommandStatus.NOT_FINITE),
    ],
)
def test_what_is_wrong_with_an_action_is_named_and_nothing_moves(server, changes, status):
    server.take(command(server))
    moves = len(server.arm.backend.poses)
    found, reason = server.take(command(server, **changes))
    assert found is status and reason
    assert len(server.arm.backend.poses) == moves and server.step == 1


def test_between_episodes_in_a_fault_and_while_blocked_nothing_moves(server):
    server.arm.backend.fault = "reflex"
    assert server.take(command(server))[0] is CommandStatus.IN_FAULT
    with pytest.raises(MoveFailed, match="reflex"):
        server.begin_episode(8, 0, np.zeros(3))
    server.recover()
    assert server.take(command(server))[0] is CommandStatus.AFTER_END
    held = StepServer(server.arm, 4, Seen(), lambda: "not armed")
    with pytest.raises(MoveFailed, match="not armed"):
        held.begin_episode(8, 0, np.zeros(3))


def test_an_arm_that_is_held_while_its_action_is_checked_does_not_move(backend):
    person = {"holds": ""}

    def blocked() -> str:
        backend.fault = person["holds"]
        return ""

    server = StepServer(fake_arm(backend), 4, Seen(), blocked)
    server.begin_episode(EPISODE, 0, np.zeros(3))
    moves, person["holds"] = len(backend.poses), "held by a person"
    status, reason = server.take(command(server))
    assert status is CommandStatus.IN_FAULT and "held by a person" in reason
    assert len(backend.poses) == moves and server.step == 0


def test_the_next_action_of_an_episode_that_was_ended_fails_at_once(server, seen):
    server.take(command(server))
    waiting = command(server)
    server.go(np.zeros(3), 0.1, 10.0, lambda place, distance: None)
    moves = len(server.arm.backend.poses)
    assert server.take(waiting)[0] is CommandStatus.AFTER_END
    assert len(server.arm.backend.poses) == moves and seen.motions[EPISODE, 2].failed
    assert "ended before its end" in seen.motions.pop((EPISODE, 2)).reason
    assert server.take(waiting)[0] is CommandStatus.AFTER_END
    assert (EPISODE, 2) not in seen.motions, "it fails once"


@pytest.mark.parametrize("age", [0.2, -0.2])
def test_a_step_whose_action_came_at_a_wrong_time_fails_once_and_ends_the_episode(
    server, seen, age
):
    server.take(command(server, age=age))
    server.fail_refused_step(patience=30.0)
    assert server.episode == EPISODE, "another action may still come"
    server.fail_refused_step()
    failed = seen.motions.pop((EPISODE, 1))
    assert failed.failed and "actions dropped" in failed.reason and "allowed" in failed.reason
    assert server.take(command(server, episode=EPISODE, step=0))[0] is CommandStatus.AFTER_END
    server.fail_refused_step()
    assert (EPISODE, 1) not in seen.motions


def test_an_action_in_time_after_a_late_one_is_executed_and_nothing_fails(server, seen):
    server.take(command(server, age=0.2))
    assert server.take(command(server))[0] is CommandStatus.EXECUTED
    server.fail_refused_step()
    assert server.episode == EPISODE and not seen.motions[EPISODE, 1].failed


def test_no_pose_leaves_the_window_whatever_comes(server):
    random = np.random.default_rng(0)
    wild = np.array([1e30, -1e30, np.nan, np.inf, 1.0, -1.0, 3.0, 0.0])
    for episode in range(20):
        offset = random.uniform(-0.5, 0.5, 3)
        server.begin_episode(episode + 1, episode, random.uniform(-1, 1, 3), offset)
        before = len(server.arm.backend.poses)
        for _ in range(200):
            data = random.choice(wild, 4) if random.random() < 0.5 else random.uniform(-1, 1, 4)
            server.take(command(server, data, episode + 1))
        poses = np.array(server.arm.backend.poses[before:])[:, [0, 2, 3]]
        assert len(poses) > 500
        beyond = np.abs(WORKSPACE.to_normalised(poses) - offset)
        assert beyond.max() <= 1.0 + 1e-9


def test_an_action_beyond_its_bounds_or_the_window_is_clipped_and_said_to_be(server, seen):
    assert server.take(command(server, (9.0, 0.0, 0.0, 0.0)))[0] is CommandStatus.CLIPPED
    assert seen.motions[EPISODE, 1].clipped and server.arm.target[0] == pytest.approx(0.2)
    for _ in range(5):
        server.take(command(server, (1.0, 0.0, 0.0, 0.0)))
    assert seen.motions[EPISODE, 6].clipped and server.arm.target[0] == 1.0


def test_a_move_outside_the_workspace_is_refused_and_ends_no_episode(server):
    with pytest.raises(MoveFailed, match="outside the workspace"):
        server.go([1.2, 0.0, 0.0], 1.0, 10.0, lambda place, distance: None)
    assert not server.arm.backend.poses and server.episode == EPISODE


def test_a_start_outside_its_window_is_named_with_where_it_was_clipped_to():
    goal = MoveTo.Goal(begins_episode=True, target=[1.5, 0.0, -0.9], window_offset=[0.0, 0.0, 0.3])
    said = clipped_start(WORKSPACE, goal)
    assert "the start [1.5, 0.0, -0.9] was clipped to [1.0, 0.0, -0.7]" in said
    goal.target = [np.float32(1.0), 0.0, np.float32(-1.0) + np.float32(0.3)]
    assert not clipped_start(WORKSPACE, goal), "the corner of the window lies in it"


def test_a_move_reports_where_it_is_and_ends_when_it_is_told_or_late(server):
    told = []
    place = server.go([0.5, 0.5, 0.5], 1.0, 10.0, lambda place, away: told.append(away))
    assert np.allclose(place, 0.5) and told == sorted(told, reverse=True)
    with pytest.raises(MoveFailed, match="timeout"):
        server.go([0.0, 0.0, 0.0], 2.0, 0.6, lambda place, away: None)

    def stop(place, distance):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        server.go([0.9, 0.0, 0.0], 1.0, 10.0, stop)
    assert np.allclose(server.arm.target, server.arm.position)


def test_an_arm_that_is_disarmed_on_the_way_stops_there_and_one_in_a_fault_has_no_target_ahead(
    backend,
):
    reason = ""
    server = StepServer(fake_arm(backend), 4, Seen(), lambda: reason)

    def disarm(place, distance):
        nonlocal reason
        reason = "not armed"

    with pytest.raises(MoveFailed, match="not armed; stopped on the way"):
        server.go([0.9, 0.9, 0.9], 1.0, 10.0, disarm)
    assert np.abs(server.arm.position).max() < 0.8
    reason = ""

    def fail(place, distance):
        backend.fault = "held"

    with pytest.raises(MoveFailed, match="held"):
        server.go([0.9, 0.9, 0.9], 1.0, 10.0, fail)
    assert np.allclose(server.arm.target, server.arm.position), "the next move has its way to go"


def test_a_move_that_does_not_arrive_fails(server):
    server.arm.backend.slip = 0.01
    with pytest.raises(MoveFailed, match="off the target"):
        server.go([0.5, 0.5, 0.5], 1.0, 10.0, lambda place, distance: None)


def test_an_arm_that_cannot_be_set_to_a_start_moves_there():
    backend = FakeBackend(resets=False)
    server = StepServer(fake_arm(backend), 4, Seen())
    server.begin_episode(EPISODE, 0, [0.5, 0.0, 0.0])
    assert np.allclose(server.arm.position, [0.5, 0.0, 0.0]) and backend.poses
    with pytest.raises(MoveFailed, match="timeout"):
        server.begin_episode(EPISODE + 1, 0, np.zeros(3), seconds=2.0, timeout=0.6)
    assert not server.episode


def test_a_movement_that_is_stopped_leaves_the_arm_where_it_is(backend, seen):
    server = StepServer(fake_arm(backend), 4, seen)
    server.begin_episode(EPISODE, 0, np.zeros(3))

    def stop():
        raise InterruptedError

    seen.pace = stop
    with pytest.raises(InterruptedError):
        server.run_movement("release_tension")
    assert np.allclose(server.arm.target, server.arm.position) and server.episode == 0


def test_an_unknown_movement_is_named_with_those_that_are_known(server):
    with pytest.raises(ValueError, match=r"dance.*regrasp"):
        server.run_movement("dance")


def test_tension_is_released_where_the_arm_is_also_beyond_the_workspace(server):
    server.begin_episode(EPISODE, 0, np.zeros(3), window_offset=[0.4, 0.0, 0.0])
    for _ in range(6):
        server.take(command(server, (1.0, 0.0, 0.0, 0.0)))
    before = server.arm.position
    assert before[0] > 1.1, "within the window, outside the workspace"
    server.run_movement("release_tension")
    assert np.allclose(server.arm.position, before) and np.allclose(server.arm.target, before)


@pytest.mark.parametrize("ended", ["release_tension", "a cancelled move"])
def test_an_arm_that_stops_outside_the_last_window_is_not_dragged_into_it(server, backend, ended):
    server.begin_episode(EPISODE, 0, np.zeros(3), window_offset=[0.8, 0.0, 0.0])
    server.go([-0.78, 0.0, 0.0], 1.0, 10.0, lambda place, distance: None)

    def stop(place, distance):
        raise InterruptedError

    if ended == "release_tension":
        server.run_movement("release_tension")
    else:
        with pytest.raises(InterruptedError):
            server.go([-0.78, 0.0, 0.5], 1.0, 10.0, stop)
        server.idle(0.1)
    assert server.arm.position[0] == pytest.approx(-0.78)
    backend.at[0] = WORKSPACE.low[0] - 0.1  # where nothing may send it
    server.run_movement("release_tension")
    assert server.arm.position[0] == pytest.approx(-1.0)


def test_a_malformed_action_of_an_episode_that_was_begun_again_fails_no_step(server, seen):
    server.begin_episode(EPISODE, 0, np.zeros(3))
    status, _ = server.take(command(server, (0.0, 0.0)))
    assert status is CommandStatus.WRONG_SIZE and (EPISODE, 1) not in seen.motions
