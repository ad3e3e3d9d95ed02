"""A learning from the stream, set up from a node's parameters. Imports torch: import it late."""

from __future__ import annotations

from pathlib import Path

from mentor_common.node.cell_node import CellNode
from mentor_msgs.srv import Describe
from mentor_policy.agents.base import NonFiniteGradientError
from mentor_policy.config import ConfigError
from mentor_policy.distributed.learner_run import LearnerRun
from mentor_policy.distributed.weights import WeightsError
from mentor_policy.nodes.cell_run_folder import cell_environment, open_run_folder
from mentor_policy.nodes.environment import layout_of
from mentor_policy.nodes.policy_parameters import configuration
from mentor_policy.replay import ReplayError
from mentor_policy.training.checkpoint import CheckpointError
from mentor_policy.training.environment import Shape
from mentor_policy.training.line_progress import LineProgress
from mentor_policy.training.run_folder import RunFolder, RunFolderError

REFUSALS = (
    CheckpointError,
    ConfigError,
    NonFiniteGradientError,
    OSError,
    ReplayError,
    RunFolderError,
    WeightsError,
)
"""Errors whose text is made for the person: no traceback is needed."""


def begin_learning(
    node: CellNode, description: Describe.Response, own: list[str]
) -> tuple[RunFolder, LearnerRun | None]:
    """Open the run folder that a learner node's parameters ask for, and begin its run.

    Args:
        node: has the parameters.
        description: description of the cell.
        own: overrides that those of the person win over.

    Returns:
        The folder and the run; no run where it is complete.

    Raises:
        one of ``REFUSALS``; the folder is as it was.
    """
    shape = Shape(
        layout_of(description), int(description.state_size), len(description.action_names)
    )
    config = configuration(node, description.task, own)
    path = Path(node.text("run_dir") or "runs/learner")
    repeat = int(description.action_repeat) or 1
    folder = open_run_folder(node, config, description.task, repeat, path, shape)
    if folder.finished is not None:
        return folder, None
    log = node.get_logger()
    try:
        made = LearnerRun(
            config,
            folder,
            cell_environment(description.task),
            shape,
            checkpoint_every=node.number("checkpoint_period"),
            progress=LineProgress(log.info, node.number("progress_period")),
        )
    except BaseException:
        folder.close()
        raise
    run = made.run
    log.info(
        f"run {made.publication.run_id} in {path}: {run.steps} steps, {run.updates} updates, "
        f"{run.ring.count} records so far"
    )
    return folder, made
