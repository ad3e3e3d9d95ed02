"""Actor and learner in processes of their own: either may die, and nothing is lost or doubled."""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cell_process import fresh_namespace
from policy_process import PolicyProcess, toy_cell
from stream_probe import Key, StreamProbe
from two_machines import FAR, TwoMachines

from mentor_common.messages import topics
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


AWAY = "the learner is away; continues acting"


def wait(done: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Whether it comes about in time."""
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        time.sleep(0.05)
    return done()


def version_acted_with(acts: PolicyProcess) -> int:
    """Version of the weights of the last whole episode; 0 without any."""
    return int(["0", *re.findall(r"weights (\d+) \(\d+ updates\)", acts.output)][-1])


def kill_the_learner(
    namespace: str, folder: Path, probe: StreamProbe, acts: PolicyProcess, times: int
) -> str:
    """Kill and restart the learner while the actor acts; gives what the last learner said."""
    for _ in range(times):
        with learner(namespace, folder) as process:
            assert process.says("records so far"), process.output
            before = len(probe.weights)
            assert wait(lambda before=before: len(probe.weights) >= before + 2), process.output
            # Whoever does not follow a learner cannot miss it.
            version = probe.weights[-1][0]
            assert wait(lambda v=version: version_acted_with(acts) >= v), acts.output
            said = acts.output.count(AWAY)
            process.kill()
        assert probe.wait_for_actions(20)
        # One that is back before its lease ends is not missed.
        assert wait(lambda n=said: acts.output.count(AWAY) > n), acts.output
    last = learner(namespace, folder)
    assert last.says("records so far"), last.output
    before = len(probe.weights)
    assert wait(lambda: len(probe.weights) >= before + 2), last.output
    return _end(last)


def _end(process: PolicyProcess) -> str:
    assert process.end() == 0, process.output
    said = process.output
    process.kill()
    return said


def check_kills(folder: Path, times: int, longest_pause: float = math.inf) -> None:
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
            assert probe.wait_until_gone(topics.POLICY_WEIGHTS)
            began = len(probe.action_times)
            kill_the_learner(namespace, folder, probe, acts, times)
            assert probe.longest_pause(began) < longest_pause
            assert acts.end() == 0, acts.output
            assert probe.wait_for_quiet()
            episode, step = max(probe.actions)
            in_flight = {(episode, step + 1)}
        # What the actor did after the learner's end is backfilled or heard when it is back.
        with actor(namespace, folder) as acts, learner(namespace, folder) as last:
            assert last.says("records so far"), last.output
            assert probe.wait_for_actions(30), acts.output
            assert acts.end() == 0, acts.output
            assert probe.wait_for_quiet()
            episode, step = max(probe.actions)
            in_flight.add((episode, step + 1))
            wanted = set(probe.transitions) - in_flight
            wait(lambda: wanted <= set(steps_of(folder / "learner" / "replay")), 60.0)
            assert last.end() == 0, last.output
        nothing_is_lost_or_doubled(probe, folder, in_flight)
        versions = [version for version, _ in probe.weights]
        assert versions == sorted(set(versions))


def test_a_learner_killed_and_restarted_loses_and_doubles_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, times=1)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_learner_killed_ten_times_loses_and_doubles_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, times=10, longest_pause=5.0)  # seconds; a soak has the machine to itself


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
    lived = steps_of(tmp_path / "actor" / "step_log")
    taken = steps_of(tmp_path / "learner" / "replay")
    # An actor that is stopped may not remember its last step, which the stream had already.
    assert len(taken) == len(set(taken)) and len(lived) <= len(taken) <= len(lived) + 1
    assert taken[: len(lived)] == lived


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
        assert probe.wait_for_quiet(), "nobody acts any more"
        assert probe.wait_until_gone(topics.ACTION)
        last = max(probe.actions)
        with actor(namespace, tmp_path) as acts:
            assert probe.wait_for_actions(10), acts.output
            assert acts.end() == 0, acts.output
        after = sorted(key for key in probe.actions if key > last)
        assert after[0][0] > last[0], "the episode that was broken off is not gone on with"
    # The probe may not have heard the first actions: discovery takes a moment.
    remembered = [key for key in steps_of(tmp_path / "actor" / "step_log") if key[0] > last[0]]
    assert remembered[0][1] == 0


def test_an_actor_waits_for_a_slow_learner_between_its_episodes(tmp_path: Path) -> None:
    namespace = fresh_namespace()
    seed_steps, every, behind = 80, 2, 10  # of TOY and preset dmc, and as the actor is told
    slow = "train.batch_size=256"
    cell, more = toy_cell(namespace), {"overrides": slow, "max_steps": 160}
    with cell, actor(namespace, tmp_path, updates_behind=behind, **more) as acts:
        assert acts.says("acts untrained"), acts.output
        with learner(namespace, tmp_path, **more) as learns:  # started last, as a person does
            assert acts.ends() == 0, acts.output
            said = acts.output
            assert learns.ends() == 0, learns.output
            learner_said = learns.output
    assert "waits for the learner: weights" in said, said
    rows = re.findall(r" (\d+) steps, success .*; (\d+) steps in all, weights \w+ \((\d*)", said)
    assert len(rows) >= 7, said
    for length, steps, updates in rows:
        begin = int(steps) - int(length)
        allowed = max(0, begin - seed_steps) // every
        assert int(updates or 0) >= allowed - behind, said  # none: untrained
    assert "steps are lost" not in learner_said  # it missed nothing: it is new
    assert re.search(r"%.*frames.*updates", learner_said), learner_said
