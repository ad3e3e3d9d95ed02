"""Actor and learner in processes of their own: either may die, and nothing is lost or doubled."""

from __future__ import annotations

import time
import zlib
from pathlib import Path

import pytest
from cell_process import fresh_namespace
from policy_process import PolicyProcess, toy_cell
from stream_probe import Key, StreamProbe
from two_machines import FAR, TwoMachines

from mentor_policy.replay import ReplayRing
from mentor_policy.replay.records import CONTEXT, VALID


def learner(namespace: str, folder: Path, **more) -> PolicyProcess:
    return PolicyProcess(
        "learner",
        namespace,
        run_dir=folder / "learner",
        publish_period=1.0,
        checkpoint_period=2.0,
        **more,
    )


def actor(namespace: str, folder: Path, **more) -> PolicyProcess:
    return PolicyProcess("actor", namespace, run_dir=folder / "actor", **more)


def learned(folder: Path) -> list[tuple[Key, int, tuple[float, ...], float]]:
    """Every valid transition of the learner's replay: key, pixels' CRC-32, action, reward."""
    ring = ReplayRing(folder / "learner" / "replay", writable=False)
    rows = []
    for number in range(ring.oldest, ring.count):
        record = ring.records[ring.slot(number)]
        flags = int(record["flags"])
        if record["step"] == 0 or flags & CONTEXT or not flags & VALID:
            continue
        key = (int(record["episode"]), int(record["step"]))
        crc = zlib.crc32(ring.observation(number).tobytes())
        rows.append((key, crc, tuple(record["action"].tolist()), float(record["reward"])))
    ring.close()
    return rows


def nothing_is_lost_or_doubled(probe: StreamProbe, folder: Path, in_flight: set[Key]) -> None:
    """``in_flight``: steps that an actor which ended had begun and never saw the end of.

    Nobody but the probe heard all of them if the learner was away.
    """
    heard = [
        (key, probe.observations[key], probe.actions[key[0], key[1] - 1], probe.rewards[key])
        for key in probe.transitions
    ]
    taken = learned(folder)
    keys = [step[0] for step in taken]
    assert len(keys) == len(set(keys))
    # The probe asks nobody for what it missed, as the learner does: it may have heard less.
    known = {step[0] for step in heard}
    lost = known - set(keys)
    assert lost <= in_flight
    assert heard and [step for step in taken if step[0] in known] == [
        step for step in heard if step[0] not in lost
    ]


def kill_the_learner(namespace: str, folder: Path, probe: StreamProbe, times: int) -> str:
    """Kill and restart the learner while the actor acts; gives what the last learner said."""
    for _ in range(times):
        with learner(namespace, folder) as process:
            assert process.says("records so far"), process.output
            before = len(probe.weights)
            until = time.monotonic() + 60
            while len(probe.weights) < before + 2:
                assert time.monotonic() < until, process.output
                time.sleep(0.05)
            process.kill()
        assert probe.wait_for_actions(20)
    last = learner(namespace, folder)
    assert last.says("records so far"), last.output
    before = len(probe.weights)
    until = time.monotonic() + 60
    while len(probe.weights) < before + 2:
        assert time.monotonic() < until, last.output
        time.sleep(0.05)
    return _end(last)


def _end(process: PolicyProcess) -> str:
    assert process.end() == 0, process.output
    said = process.output
    process.kill()
    return said


def check_kills(folder: Path, times: int) -> None:
    namespace = fresh_namespace()
    with (
        toy_cell(namespace, step_seconds=0.01) as _,
        StreamProbe(namespace) as probe,
    ):
        with actor(namespace, folder) as acts:
            assert probe.wait_for_actions(1), acts.output
            with learner(namespace, folder) as first:
                assert first.says("records so far"), first.output
                first.kill()
            began = len(probe.action_times)
            kill_the_learner(namespace, folder, probe, times)
            assert probe.longest_pause(began) < 5.0  # seconds, on a machine under load
            assert "the learner is away; goes on acting" in acts.output
            assert acts.end() == 0, acts.output
            time.sleep(0.5)
            episode, step = max(probe.actions)
            in_flight = {(episode, step + 1)}
        # What the actor did after the learner's end is recalled or heard when it is back.
        with actor(namespace, folder) as acts, learner(namespace, folder) as last:
            assert last.says("records so far"), last.output
            assert probe.wait_for_actions(30), acts.output
            assert acts.end() == 0, acts.output
            time.sleep(1.0)
            episode, step = max(probe.actions)
            in_flight.add((episode, step + 1))
            assert last.end() == 0, last.output
        nothing_is_lost_or_doubled(probe, folder, in_flight)
        versions = [version for version, _ in probe.weights]
        assert versions == sorted(set(versions))


def test_a_learner_killed_and_restarted_loses_and_doubles_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, times=1)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_learner_killed_ten_times_loses_and_doubles_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, times=10)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_learner_on_another_machine_killed_ten_times_goes_on_from_its_checkpoint(
    tmp_path: Path,
) -> None:
    namespace = fresh_namespace()
    with TwoMachines() as machines:
        here = {"around": machines.on(0), "variables": FAR}
        there = {"around": machines.on(1), "variables": FAR}
        cell = toy_cell(namespace, step_seconds=0.02, **here)
        with cell, actor(namespace, tmp_path, **here) as acts:
            updates = [0]
            for _ in range(10):
                with learner(namespace, tmp_path, **there) as learns:
                    assert learns.says("records so far"), learns.output
                    updates.append(int(learns.output.split(" updates, ")[0].split()[-1]))
                    time.sleep(8.0)
                    assert learns.process.poll() is None, learns.output
            assert updates == sorted(updates) and updates[-1] > 0
            assert "refused" not in acts.output
            with learner(namespace, tmp_path, **there) as learns:
                assert learns.says("records so far"), learns.output
                assert acts.end() == 0, acts.output
                time.sleep(2.0)
                assert learns.end() == 0, learns.output
    lived = steps_of(tmp_path / "actor" / "memory")
    taken = steps_of(tmp_path / "learner" / "replay")
    assert len(taken) == len(set(taken)) and taken == lived


def steps_of(folder: Path) -> list[Key]:
    """Episode and step of every record, in order."""
    ring = ReplayRing(folder, writable=False)
    rows = [ring.records[ring.slot(number)] for number in range(ring.oldest, ring.count)]
    ring.close()
    return [(int(row["episode"]), int(row["step"])) for row in rows]


def test_an_actor_killed_lets_the_arm_hold_still_and_resumes_with_a_reset(tmp_path: Path) -> None:
    namespace = fresh_namespace()
    cell = toy_cell(namespace, step_seconds=0.01)
    with cell, StreamProbe(namespace) as probe:
        with actor(namespace, tmp_path) as acts:
            assert probe.wait_for_actions(30), acts.output
            acts.kill()
        time.sleep(0.5)
        done, last = len(probe.action_times), max(probe.actions)
        time.sleep(1.0)
        assert len(probe.action_times) == done
        with actor(namespace, tmp_path) as acts:
            assert probe.wait_for_actions(10), acts.output
            assert acts.end() == 0, acts.output
        after = [key for key in probe.actions if key > last]
        assert after[0][0] > last[0] and after[0][1] == 0
