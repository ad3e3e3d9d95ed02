"""Training beside the environment: the cap, the waiting, what a kill leaves."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from point_env import PointEnv
from small_runs import trainer_of

from mentor_policy.replay import ReplayRing
from mentor_policy.training import trainer as module
from mentor_policy.training.background import BackgroundLearner
from mentor_policy.training.checkpoint_folders import folders
from mentor_policy.training.csv_log import read_csv
from mentor_policy.training.environment import shape_of
from mentor_policy.training.learner import Learner, open_ring


def test_asynchronous_learning_works_while_the_environment_moves_and_keeps_its_cap(
    tmp_path,
) -> None:
    trainer, run = trainer_of(
        tmp_path / "run", "train.asynchronous=true", "train.updates_per_step=0.5", delay=0.02
    )
    summary = trainer.train()
    run.close()
    assert summary["updates"] == int(0.5 * 61)
    idle = read_csv(tmp_path / "run" / "train.csv")["learner_idle"]
    assert all(0 <= share <= 1 for share in idle)


@pytest.mark.parametrize("behind", [0, 5])
def test_an_episode_begins_when_the_learner_is_not_too_far_behind(
    tmp_path: Path, behind: int
) -> None:
    owed: list[int] = []

    class Watched(PointEnv):
        def reset(self, **arguments):
            step = trainer.run.steps
            owed.append(max(0, step - 39) - trainer.run.updates)
            return super().reset(**arguments)

    trainer, run = trainer_of(
        tmp_path / "run", "train.asynchronous=true", f"train.updates_behind={behind}",
        "train.eval_every_frames=0", env=Watched(),
    )  # fmt: skip
    update = trainer.run.agent.update
    evaluated: list[int] = []
    log_evaluation = trainer.run.log_evaluation

    def slow(*arguments):
        time.sleep(0.01 if behind else 0.5)
        return update(*arguments)

    def logged(result):
        evaluated.append(trainer.run.updates)
        time.sleep(1.0)  # in which a learner that still ran would change what was evaluated
        log_evaluation(result)

    trainer.run.agent.update, trainer.run.log_evaluation = slow, logged
    summary = trainer.train()
    run.close()
    assert summary["complete"] and evaluated[-1] == summary["updates"]
    if behind:
        assert max(owed) <= behind and summary["updates"] == 61
    else:  # an arm that waits for nobody runs away from a slow learner, and leaves it undone
        assert max(owed) > 20 and summary["updates"] < 61


def test_a_run_that_is_stopped_draws_its_curve_beside_the_update_under_way(tmp_path: Path) -> None:
    """A launch does not wait for ever for the last checkpoint."""
    trainer, run = trainer_of(
        tmp_path / "run", "train.asynchronous=true", "train.eval_every_frames=0", delay=0.01
    )
    update, curve, drawn = trainer.run.agent.update, tmp_path / "run" / "curve.png", []

    def held(*arguments):
        if trainer.run.steps > 42:  # within an episode, whose end would wait for the update
            trainer.stop = True
            until = time.monotonic() + 20.0
            while not curve.exists() and time.monotonic() < until:
                time.sleep(0.01)
            drawn.append(curve.exists())
        return update(*arguments)

    trainer.run.agent.update = held
    trainer.train()
    run.close()
    assert drawn == [True]
    assert folders(tmp_path / "run" / "checkpoints")


def test_a_run_stopped_while_an_episode_waits_for_the_learner_begins_none(tmp_path: Path) -> None:
    resets = []

    class Watched(PointEnv):
        def reset(self, **arguments):
            resets.append(trainer.stop)
            return super().reset(**arguments)

    overrides = (
        "train.asynchronous=true", "train.updates_behind=1", "train.eval_every_frames=0"
    )  # fmt: skip
    trainer, run = trainer_of(tmp_path / "run", *overrides, env=Watched())
    update = trainer.run.agent.update

    def stopped(*arguments):
        if trainer.run.steps == 60:  # the end of an episode, with most of its updates owed
            trainer.stop = True
        time.sleep(0.05)
        return update(*arguments)

    trainer.run.agent.update = stopped
    assert not trainer.train()["complete"]
    run.close()
    assert resets == [False] * 3 and trainer.run.steps == 60
    trainer, run = trainer_of(tmp_path / "run", *overrides)
    assert trainer.run.steps == 60
    assert trainer.train()["complete"]
    run.close()


def test_acting_does_not_wait_for_an_update_that_takes_long(tmp_path: Path) -> None:
    trainer, run = trainer_of(
        tmp_path / "run", "train.asynchronous=true", "train.frames=60", "train.seed_frames=41",
        "train.eval_every_frames=0", "train.checkpoint_every_frames=1000",
    )  # fmt: skip
    go_on, updating, beside = threading.Event(), threading.Event(), threading.Event()
    update, act = trainer.run.agent.update, trainer.run.agent.act_with_mean

    def long_update(*arguments):
        updating.set()
        assert go_on.wait(60)
        return update(*arguments)

    def watched(*arguments, **named):
        if trainer.run.steps == 45:
            assert updating.wait(60)
        if trainer.run.steps == 50:
            beside.set()  # several steps later, the update is still under way
        return act(*arguments, **named)

    trainer.run.agent.update, trainer.run.agent.act_with_mean = long_update, watched
    loop = threading.Thread(target=trainer.train)
    loop.start()
    try:
        assert updating.wait(60)
        assert beside.wait(60)
        assert trainer.run.updates == 0
        assert trainer.run.learning.seconds > 0  # the update that is under way counts as work
    finally:
        go_on.set()
        loop.join()
        run.close()
    assert trainer.run.updates == 20


def test_acting_beside_an_update_gives_finite_actions_and_leaves_the_update_its_randomness(
    tmp_path: Path,
) -> None:
    def generators(agent) -> dict[str, bytes]:
        return {
            name: generator.get_state().numpy().tobytes()
            for name, generator in agent.generators.items()
        }

    overrides = (
        "train.frames=60", "train.seed_frames=60", "train.eval_every_frames=0",
        "agent.dormant_every=1",
    )  # fmt: skip
    trainers = [trainer_of(tmp_path / str(number), *overrides) for number in range(2)]
    for trainer, _ in trainers:
        trainer.train()
    learners = [
        Learner(
            trainer.run.config,
            trainer.run.agent,
            open_ring(run.replay, trainer.run.config, shape_of(PointEnv())),
        )
        for trainer, run in trainers
    ]
    over = threading.Event()
    actions = []

    def act() -> None:
        while not over.is_set():
            pixels = np.zeros((6, 24, 24), np.uint8)
            actions.append(trainers[0][0].run.agent.act(pixels, None, step=500, evaluate=False))

    thread = threading.Thread(target=act)
    thread.start()
    for _ in range(8):
        for learner in learners:
            learner.update(500)
    over.set()
    thread.join()
    assert len(actions) > 0 and np.isfinite(actions).all()
    one, other = (trainer.run.agent for trainer, _ in trainers)
    assert generators(one).pop("acting") != generators(other).pop("acting")
    for name in ("updating", "weights", "perturbing"):
        assert generators(one)[name] == generators(other)[name]
    tensors = [agent.state()[0] for agent in (one, other)]
    for name in tensors[0]:
        if name not in ("generator/acting", "acting_noise"):
            assert torch.equal(tensors[0][name], tensors[1][name]), name
    for learner, (_, run) in zip(learners, trainers, strict=True):
        learner.close()
        learner.ring.close()
        run.close()


def test_a_run_stopped_while_it_catches_up_learns_the_rest_when_it_is_started_again(
    tmp_path: Path,
) -> None:
    overrides = ("train.asynchronous=true", "train.eval_every_frames=0")
    trainer, run = trainer_of(tmp_path / "run", *overrides)
    update = trainer.run.agent.update

    def slow(*arguments):
        if trainer.run.steps == 100:
            trainer.stop = True
        time.sleep(0.05)
        return update(*arguments)

    trainer.run.agent.update = slow
    summary = trainer.train()
    run.close()
    assert not summary["complete"] and summary["step"] == 100 and summary["updates"] < 61
    trainer, run = trainer_of(tmp_path / "run", *overrides)
    summary = trainer.train()
    run.close()
    assert summary["complete"] and summary["updates"] == 61


@pytest.mark.parametrize("asynchronous", [True, False])
def test_only_an_asynchronous_run_saves_by_the_clock_too(
    tmp_path: Path, monkeypatch, asynchronous: bool
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)
    trainer, run = trainer_of(
        tmp_path / "run", f"train.asynchronous={str(asynchronous).lower()}", "train.frames=60",
        "train.eval_every_frames=0", "train.checkpoint_every_frames=1000",
    )  # fmt: skip
    trainer.train()
    run.close()
    kept = [int(folder.name) for folder in folders(tmp_path / "run" / "checkpoints")]
    assert kept == ([40, 60] if asynchronous else [60])


def test_an_asynchronous_run_that_died_keeps_every_step_it_lived(tmp_path: Path) -> None:
    folder, overrides = tmp_path / "run", ("train.asynchronous=true", "train.eval_every_frames=0")
    source = f"""
import sys, os
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from small_runs import *
trainer, run = trainer_of(Path({str(folder)!r}), *{overrides!r})
def dying():
    if trainer.run.steps == 75:
        os.kill(os.getpid(), 9)
    return True
trainer._rollout.go_on = dying
trainer.train()
"""
    assert subprocess.run([sys.executable, "-c", source], capture_output=True).returncode == -9
    trainer, run = trainer_of(folder, *overrides)
    assert trainer.run.steps == 75 and trainer._number == 4
    assert trainer.train()["complete"]
    run.close()
    ring = ReplayRing(folder / "replay", writable=False)
    records = ring.records[: ring.count]
    assert (records["step"] > 0).sum() == 100
    assert len({(int(r["episode"]), int(r["step"])) for r in records}) == ring.count


def test_an_update_that_finds_nothing_to_learn_from_is_done_later() -> None:
    there, done = threading.Event(), []

    def update() -> bool:
        if there.is_set():
            done.append(1)
        return there.is_set()

    learner = BackgroundLearner(update)
    learner.allow(5)
    assert learner.drain() and not done, "nothing to wait for"
    there.set()
    learner.allow(6)
    assert learner.drain() and len(done) == 6
    learner.close()


def test_an_error_in_the_background_reaches_the_loop() -> None:
    def fail() -> None:
        raise ArithmeticError("broken")

    learner = BackgroundLearner(fail)
    learner.allow(1)
    with pytest.raises(ArithmeticError, match="broken"):
        learner.drain()
    learner.close()
