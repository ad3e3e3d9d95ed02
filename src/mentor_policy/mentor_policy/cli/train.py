"""``python -m mentor_policy train``: train an agent in a gymnasium environment."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from gymnasium.error import ResetNeeded

from mentor_policy.cli.arguments import configure
from mentor_policy.config import ConfigError, presets
from mentor_policy.config.agent_plugins import own_agents
from mentor_policy.replay.bag_steps import BagSteps
from mentor_policy.training.environment import (
    Env,
    UnfitEnvironmentError,
    make_environment,
    shape_of,
)
from mentor_policy.training.run_folder import RunFolder, default_folder
from mentor_policy.training.trainer import Trainer

AGENT_HELP = f"one of {', '.join(own_agents())}, or a plug-in of the group mentor.agents"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--env", required=True, help="gymnasium id, such as mentor/dmc-hopper_hop-v0"
    )
    parser.add_argument(
        "--evaluate-in", metavar="ENV",
        help="gymnasium id to evaluate in, of the same shape, such as "
        "the one whose success is ground truth (default: the one to train in)",
    )  # fmt: skip
    parser.add_argument("--agent", default="mentor", help=AGENT_HELP)
    parser.add_argument(
        "--preset", help=f"one of {', '.join(presets())}; default: what fits the environment"
    )
    parser.add_argument(
        "--run-dir", type=Path, help="folder of the run; resumed if it holds one (default: "
        "runs/<task>/<agent>-<seed>)",
    )  # fmt: skip
    parser.add_argument(
        "--bags", type=Path, nargs="+", default=[], metavar="BAG", help="bags whose training "
        "episodes fill the replay of a new run, or with train.bag_share=0.5 half of every batch; "
        "they do not count as its steps",
    )  # fmt: skip
    parser.add_argument(
        "--offline-updates", type=int, default=0, metavar="N",
        help="updates on the bags before the first step (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value",
        help="such as train.frames=100000, train.seed=1, agent.top_k=2, env.image_size=64",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Train; return the exit code: 0 when the run is complete, 130 when it was interrupted."""
    if options.offline_updates and not options.bags:
        raise ConfigError(f"--offline-updates {options.offline_updates} needs --bags BAG...")
    config, env, arguments = configure(
        options.env, options.agent, options.preset, options.overrides
    )
    evaluation_env = _evaluation_env(options, arguments, env)
    environment = {"id": options.env, "arguments": arguments}
    path = options.run_dir or default_folder(options.env, options.agent, config.train.seed)
    folder = RunFolder(path, config, environment, shape_of(env))
    try:
        if folder.finished is not None:
            print("this run is complete already; nothing was changed", file=sys.stderr)
            report(folder.finished, path)
            return 0
        trainer = Trainer(env, folder, evaluation_env, lost=_losses(env))
        print(f"{'resuming' if folder.resumed else 'new'} run in {path}", file=sys.stderr)
        if options.bags:
            trainer.begin_with(BagSteps(options.bags), options.offline_updates)
        with StopOnSignal(trainer):
            summary = trainer.train()
    finally:
        folder.close()
        for cell in filter(None, (env, evaluation_env)):
            cell.close()  # a renderer that is freed as the interpreter ends complains
    report(summary, path)
    return 0 if summary["complete"] else 130


def _evaluation_env(options: argparse.Namespace, arguments: dict[str, Any], env: Env) -> Env | None:
    """Return the environment to evaluate in; None: that of the training."""
    name = options.evaluate_in or options.env
    if hasattr(env.unwrapped, "purpose"):  # over the topics there is one cell for everything
        if name != options.env:
            raise UnfitEnvironmentError(
                f"--evaluate-in {name}: {options.env} is trained and evaluated in its one cell; "
                "leave --evaluate-in out"
            )
        return None
    made = make_environment(name, arguments)
    trained, evaluated = shape_of(env), shape_of(made)
    if trained != evaluated:
        raise UnfitEnvironmentError(
            f"--evaluate-in {name} has {evaluated}, the environment to train in has {trained}; "
            "choose one of the same shape"
        )
    return made


def _losses(env: Env) -> tuple[type[Exception], ...]:
    """Return the errors after which a reset is tried: a cell may come back."""
    if not hasattr(env.unwrapped, "purpose"):
        return ()
    from mentor_common.env.ros_env import EnvironmentLost  # late: most need no ROS

    return EnvironmentLost, ResetNeeded


def report(summary: dict[str, Any], path: Path) -> None:
    """Print the result of the run, and what to do with it."""
    done = "complete" if summary["complete"] else "interrupted; the same command continues it"
    print(f"run {path}: {done} ({summary['frames']} frames, {summary['updates']} updates)")
    if summary["return"] is not None:
        print(f"  evaluation: return {summary['return']:.1f}, success {summary['success']:.2f}")
    for name in ("curve", "video", "checkpoint"):
        if summary[name]:
            print(f"  {name}: {summary[name]}")
    print(f"  evaluate it: python -m mentor_policy evaluate {summary['checkpoint']}")


class StopOnSignal:
    """The first SIGINT or SIGTERM ends the run after its step, with a checkpoint; a second kills.

    So does a SIGHUP, which comes, maybe twice, when the terminal is closed; nothing can be printed
    there any more.

    Args:
        trainer: to be stopped.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._before: dict[int, Any] = {}
        self._on_terminal = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as by nohup
            self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._hang_up)

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._trainer.stop = True
        print("stopping: a checkpoint is being written (once more to kill)", file=sys.stderr)
        self._restore()

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        self._trainer.stop = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in self._on_terminal:
            os.dup2(nowhere, stream.fileno())
        os.close(nowhere)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
