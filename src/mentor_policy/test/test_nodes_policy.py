"""The policy node learns while the arm moves, outlives its cell, and evaluates what it learned."""

from __future__ import annotations

import csv
import json
import re
import time
from pathlib import Path

from cell_process import fresh_namespace
from policy_process import PolicyProcess, toy_cell
from stream_probe import StreamProbe

from mentor_common.messages import topics
from mentor_policy.__main__ import main
from mentor_policy.replay import ReplayRing

STEPS = 240
UPDATE_EVERY = 2  # of preset dmc
SEED_STEPS = 80


def test_a_training_outlives_its_cell_keeps_its_cap_and_is_evaluated(tmp_path: Path) -> None:
    namespace, folder = fresh_namespace(), tmp_path / "run"
    with StreamProbe(namespace) as probe:
        node = PolicyProcess(
            "policy", namespace, run_dir=folder, max_steps=STEPS, progress_period=1.0,
            reset_timeout=20.0,  # where the cell's end comes during a reset
        )  # fmt: skip
        with node:
            with toy_cell(namespace, step_seconds=0.02) as cell:
                assert probe.wait_for_actions(SEED_STEPS + 40), node.output
                cell.kill()
            assert node.says("a reset is tried"), node.output
            with toy_cell(namespace, step_seconds=0.02):
                assert node.ends(200) == 0, node.output
            said = node.output
            last = probe.stats[-1]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["complete"] and summary["step"] == STEPS
    assert 0 < summary["updates"] <= (STEPS - SEED_STEPS) // UPDATE_EVERY + 1
    further = dict(zip(last.names, last.values, strict=True))
    assert 0.0 <= last.idle <= 1.0 and 0.0 < further["updates_per_step"] <= 1 / UPDATE_EVERY
    assert last.agent == "mentor" and last.step > SEED_STEPS
    for word in ("return", "success", "frames/s", "dormant", "left"):
        assert re.search(rf"%.*{word}", said), said
    with (folder / "train.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows and 0.0 <= float(rows[-1]["learner_idle"]) <= 1.0
    checkpoint = re.search(r"mode:=eval checkpoint:=(\S+)\"", said)
    assert checkpoint is not None, said
    with toy_cell(namespace):
        evaluation = PolicyProcess(
            "policy", namespace, mode="eval", checkpoint=checkpoint.group(1), episodes=2
        )
        with evaluation:
            assert evaluation.ends() == 0, evaluation.output
            assert re.search(
                r"2 episodes: success [01]\.\d\d \(95 % interval .* by the reward's own flag",
                evaluation.output,
            ), evaluation.output


def test_an_interrupted_training_goes_on_where_it_was(tmp_path: Path) -> None:
    namespace, folder = fresh_namespace(), tmp_path / "run"
    with toy_cell(namespace, step_seconds=0.02), StreamProbe(namespace) as probe:
        with PolicyProcess("policy", namespace, run_dir=folder) as node:
            assert probe.wait_for_actions(60), node.output
            assert node.end() == 0, node.output
            stopped = json.loads((folder / "summary.json").read_text())
        before = probe.steps_played
        with PolicyProcess("policy", namespace, run_dir=folder) as node:
            assert node.says("resumes run in"), node.output
            assert f"; {stopped['step']} of 3000000 steps" in node.output
            assert probe.wait_for_actions(20), node.output
            node.kill()  # -9: the replay holds what was lived
        assert probe.wait_until_gone(topics.ACTION)
        assert probe.wait_for_quiet()  # for what is still on its way to the probe
        lived = probe.steps_played - before
        with PolicyProcess("policy", namespace, run_dir=folder) as node:
            assert node.says("resumes run in"), node.output
            step = int(re.findall(r"; (\d+) of 3000000 steps", node.output)[-1])
            # All but the step that was under way.
            assert stopped["step"] + 19 <= step <= stopped["step"] + lived


def test_control_c_in_an_evaluation_ends_it_without_an_error(tmp_path: Path) -> None:
    namespace, folder = fresh_namespace(), tmp_path / "run"
    many = "train.eval_episodes=1000"
    with toy_cell(namespace, step_seconds=0.02), StreamProbe(namespace) as probe:
        train = PolicyProcess("policy", namespace, run_dir=folder, max_steps=60, overrides=many)
        with train:
            until = time.monotonic() + 120
            while not (folder / "checkpoints" / "000000060").exists():  # the evaluation comes next
                assert train.process.poll() is None and time.monotonic() < until, train.output
                time.sleep(0.1)
            assert probe.wait_for_actions(25), train.output
            assert train.end() == 0, train.output
            assert "training stopped; the same command continues it: 60 steps" in train.output
            assert not re.search("Traceback|refused|ResetNeeded", train.output), train.output
        rolls = PolicyProcess("policy", namespace, mode="eval", checkpoint=folder, episodes=1000)
        with rolls:
            assert probe.wait_for_actions(25), rolls.output
            assert rolls.end() == 0, rolls.output
            assert not re.search("Traceback|refused|ResetNeeded", rolls.output), rolls.output


def test_a_training_in_a_cell_begins_with_the_bags_of_another(tmp_path: Path) -> None:
    namespace, bag = fresh_namespace(), tmp_path / "bag"
    with toy_cell(namespace, step_seconds=0.0):
        first = PolicyProcess("policy", namespace, run_dir=tmp_path / "first", max_steps=40)
        with first:
            assert first.says("training complete"), first.output
        assert main(["bag-from-ring", str(tmp_path / "first" / "replay"), str(bag)]) == 0
        second = PolicyProcess(
            "policy", namespace, run_dir=tmp_path / "second", max_steps=20, bags=bag,
            offline_updates=3, overrides="train.bag_share=0.5",
        )  # fmt: skip
        with second:
            assert second.says("begins with the steps of 1 bag"), second.output
            assert second.says("training complete"), second.output
    summary = json.loads((tmp_path / "second" / "summary.json").read_text())
    assert (summary["step"], summary["updates"]) == (20, 3)
    bags = ReplayRing(tmp_path / "second" / "bag_replay", writable=False)
    assert bags.count == ReplayRing(tmp_path / "first" / "replay", writable=False).count
