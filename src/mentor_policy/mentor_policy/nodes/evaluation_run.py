"""The roll-out of a checkpoint in a cell. Imports torch: import it late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from gymnasium.error import ResetNeeded

from mentor_common.env.ros_env import CellHeldError, EnvironmentChanged, EnvironmentLost
from mentor_common.node.cell_node import CellNode
from mentor_policy.agents import Agent
from mentor_policy.config import ConfigError
from mentor_policy.nodes.ground_truth import GroundTruthEvaluation
from mentor_policy.training.backoff import Backoff, GivenUpError
from mentor_policy.training.checkpoint import Checkpoint, CheckpointError, read_checkpoint
from mentor_policy.training.environment import shape_of
from mentor_policy.training.evaluation import SEED, Evaluation, evaluate

REFUSALS = (
    CellHeldError,
    CheckpointError,
    ConfigError,
    EnvironmentChanged,
    GivenUpError,
    InterruptedError,
)
"""Errors whose text is made for the person: no traceback is needed."""


def load(node: CellNode) -> tuple[Checkpoint, Agent]:
    """Return the node's ``checkpoint`` and its agent: refused, if they are, before a cell is there.

    Raises:
        CheckpointError: damaged, or of an older version.
        ConfigError: an unavailable device.
    """
    checkpoint = read_checkpoint(Path(node.text("checkpoint")))
    if node.integer("threads"):
        torch.set_num_threads(node.integer("threads"))
    return checkpoint, checkpoint.agent(node.text("device"))


def evaluate_checkpoint(
    node: CellNode, env: GroundTruthEvaluation, checkpoint: Checkpoint, agent: Agent
) -> Evaluation:
    """Roll a checkpoint out for the node's ``episodes`` episodes, and log the result.

    Where the cell is lost or refuses a reset, it begins again, after the pauses of a training.

    Args:
        node: node that rolls out.
        env: its cell.
        checkpoint: as :func:`load` returned it.
        agent: its agent.

    Raises:
        one of ``REFUSALS``.
    """
    cell: Any = env.unwrapped
    shape = shape_of(env)
    if shape != checkpoint.shape:
        raise CheckpointError(
            f"checkpoint {checkpoint.folder} was trained on {checkpoint.shape}, the cell of task "
            f"{cell.description.task} has {shape}"
        )
    log = node.get_logger()
    step = checkpoint.progress["step"]
    given = node.integer("seed")
    seed = given or SEED
    log.info(
        f"rolls out {checkpoint.folder.resolve()} ({checkpoint.config.agent.name}, step {step}): "
        f"{node.integer('episodes')} episodes of seed {seed}"
        + ("" if seed == given else f", the one that seed:={given} stands for")
    )
    video = checkpoint.video
    backoff, result = Backoff(), None
    while result is None:
        try:
            result = evaluate(
                agent,
                env,
                node.integer("episodes"),
                seed=seed,
                step=step,
                video=video,
                stop=node.stopping.is_set,
                weights=checkpoint.weights(),
            )
        except (EnvironmentLost, ResetNeeded) as loss:
            log.warning(f"environment lost, the evaluation begins again: {loss}")
            backoff.wait(node.stopping.is_set, loss)
    low, high = result.interval
    log.info(
        f"{len(result.returns)} episodes: success {result.success:.2f} "
        f"(95 % interval {low:.2f} to {high:.2f}) {env.source}, "
        f"return {result.mean:.2f} +- {result.std:.2f}"
    )
    log.info(f"video: {video.resolve()}")
    return result
