"""A run in a cell, begun as a node's parameters ask for it. Imports torch: import it late.

The policy node trains in the cell (:class:`Trainer`), the learner node learns from the steps that
an actor publishes (:class:`LearnerRun`); both hold one :class:`Run` in one run folder.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from threading import Thread
from typing import Any

from gymnasium.error import ResetNeeded

from mentor_common.bags.reader import BagError
from mentor_common.env.ros_env import CellHeldError, EnvironmentChanged, EnvironmentLost
from mentor_common.node.cell_node import CellNode
from mentor_msgs.srv import Describe
from mentor_policy.agents.base import NonFiniteGradientError
from mentor_policy.agents.shape import Shape
from mentor_policy.config import ConfigError
from mentor_policy.distributed.learner_run import LearnerRun
from mentor_policy.distributed.weights import WeightsError
from mentor_policy.nodes.environment import layout_of
from mentor_policy.nodes.ground_truth import GroundTruthEvaluation
from mentor_policy.nodes.policy_parameters import configuration, known_reset_options
from mentor_policy.replay import ReplayError
from mentor_policy.replay.bag_steps import BagSteps
from mentor_policy.training.backoff import GivenUpError
from mentor_policy.training.checkpoint import CheckpointError
from mentor_policy.training.curve import import_plotting
from mentor_policy.training.environment import UnfitEnvironmentError, shape_of
from mentor_policy.training.line_progress import LineProgress
from mentor_policy.training.run import Run
from mentor_policy.training.run_folder import RunFolder, RunFolderError, default_folder
from mentor_policy.training.trainer import Trainer

REFUSALS = (
    BagError,
    CellHeldError,
    CheckpointError,
    ConfigError,
    EnvironmentChanged,
    GivenUpError,
    NonFiniteGradientError,
    OSError,
    ReplayError,
    RunFolderError,
    UnfitEnvironmentError,
    WeightsError,
)
"""Errors whose text is made for the person: no traceback is needed."""


def begin_training(
    node: CellNode, env: GroundTruthEvaluation, own: list[str]
) -> tuple[RunFolder, Trainer | None]:
    """Open the run folder that the policy node's parameters ask for, and make its trainer.

    Args:
        node: has the parameters.
        env: the node's cell.
        own: settings of the node's own parameters; ``overrides`` win over them.

    Returns:
        The folder and the trainer; no trainer where the run is complete.

    Raises:
        one of ``REFUSALS``; the folder is as it was, or awaits its bags.
    """
    cell: Any = env.unwrapped
    description = cell.description
    folder = _open_folder(node, description, shape_of(env), own, str(description.task))
    if folder.finished is not None:
        return folder, None
    try:
        lost = (EnvironmentLost, ResetNeeded)
        trainer = Trainer(env, folder, progress=_progress(node), lost=lost)
        bags = [Path(word).expanduser() for word in shlex.split(node.text("bags"))]
        if node.integer("offline_updates") and not bags:
            raise ConfigError(f"offline_updates:={node.integer('offline_updates')} needs bags:=")
        if bags:
            node.get_logger().info(f"begins with the steps of {len(bags)} bag(s)")
            trainer.begin_with(BagSteps(bags), node.integer("offline_updates"))
    except BaseException:
        folder.close()
        raise
    Thread(target=import_plotting, daemon=True).start()  # beside the first reset
    how = "asynchronously" if folder.config.train.asynchronous else "synchronously"
    _log_begin(node, trainer.run, f"trains {how} on {description.task}")
    return folder, trainer


def begin_learning(
    node: CellNode, description: Describe.Response, own: list[str]
) -> tuple[RunFolder, LearnerRun | None]:
    """Open the run folder that the learner node's parameters ask for, and begin its run.

    Args:
        node: has the parameters.
        description: description of the cell.
        own: settings of the node's own parameters; ``overrides`` win over them.

    Returns:
        The folder and the run; no run where it is complete.

    Raises:
        one of ``REFUSALS``; the folder is as it was.
    """
    shape = Shape(
        layout_of(description), int(description.state_size), len(description.action_names)
    )
    folder = _open_folder(node, description, shape, own, "learner")
    if folder.finished is not None:
        return folder, None
    try:
        learner = LearnerRun(
            folder, checkpoint_every=node.number("checkpoint_period"), progress=_progress(node)
        )
    except BaseException:
        folder.close()
        raise
    _log_begin(node, learner.run, f"learns as {learner.publication.run_id} what actors do")
    return folder, learner


def _open_folder(
    node: CellNode, description: Describe.Response, shape: Shape, own: list[str], default: str
) -> RunFolder:
    """Open the folder of a node's ``run_dir``, by default ``runs/<default>/<agent>-<seed>``."""
    task, repeat = str(description.task), int(description.action_repeat) or 1
    if steps := node.integer("max_steps"):
        own = [*own, f"train.frames={steps * repeat}"]
    own = [*own, f"train.action_repeat={repeat}"]
    config = configuration(node, task, own)
    if config.train.action_repeat != repeat:
        raise ConfigError(
            f"overrides:=train.action_repeat={config.train.action_repeat}: the cell repeats an "
            f"action {repeat} times; leave it out"
        )
    named = node.text("run_dir")
    path = Path(named) if named else default_folder(default, node.text("agent"), config.train.seed)
    environment = {"id": "mentor/ros-v0", "arguments": {}, "task": task}
    environment |= known_reset_options(node)
    folder = RunFolder(path, config, environment, shape)
    if folder.finished is not None:
        node.get_logger().info(
            f"the run in {path.resolve()} is complete already; nothing was changed"
        )
    return folder


def _progress(node: CellNode) -> LineProgress:
    return LineProgress(node.get_logger().info, node.number("progress_period"))


def _log_begin(node: CellNode, run: Run, what: str) -> None:
    folder = run.folder
    node.get_logger().info(
        f"{'resumes' if folder.resumed else 'new'} run in {folder.path.resolve()}: agent "
        f"{node.text('agent')} {what}; {run.steps} of {run.schedule.last_step} steps, "
        f"{run.updates} updates, {run.ring.count} records so far"
    )
