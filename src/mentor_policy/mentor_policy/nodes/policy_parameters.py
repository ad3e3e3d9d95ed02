"""The parameters that policy, actor and learner node share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param, wall_seconds
from mentor_policy.config import Config, ConfigError, load_config
from mentor_policy.config.load import override_list
from mentor_policy.config.preset_for import OF_TASKS, preset_for

AGENT = (
    Param(
        "agent", "str", "mentor",
        "who acts: mentor, mentor_wo_moe, mentor_wo_tp, mentor_wo_both, mentor_pretrained, drm, "
        "drqv2, alix, taco, random, or a plug-in of the group mentor.agents",
        read_only=True,
    ),
    Param(
        "preset", "str", "auto",
        "column of Table 2: metaworld, dmc, dog, adroit or coffee_push_soccer; robot, or "
        "another preset of mentor_policy or of a task's package; auto: what fits the task",
        read_only=True,
    ),
    Param(
        "overrides", "str", "",
        "further settings as key=value, separated by spaces, e.g. 'agent.experts=8 agent.top_k=2'",
        read_only=True,
    ),
    Param("seed", "int", 0, "of weights, noise and episodes", low=0, high=2**31 - 1,
          read_only=True),
    Param(
        "run_dir", "str", "",
        "folder of the run: configuration, checkpoints, replay, curves, videos; an existing one "
        "is resumed if it fits. Empty: the node's default",
        read_only=True,
    ),
    Param("device", "str", "auto",
          "where the agent learns and acts: cpu, cuda, cuda:<n>, or auto: the first CUDA device, "
          "else the processor", read_only=True),
    Param("threads", "int", 0, "torch threads; 0: one per core", low=0, high=1024, read_only=True),
)  # fmt: skip

RESET_OPTIONS = Param(
    "reset_options", "str", "",
    "JSON object: options of every reset, as the cell's reset node has them; recorded in the run "
    "folder. Empty: not known",
    read_only=True,
)  # fmt: skip

LAST_CHECKPOINT = 15.0
"""Seconds of wall time that a node which ends gives its worker for the last checkpoint.

The launch waits longer before it kills (``SAVES`` of :mod:`mentor_bringup.description`)."""

PROGRESS_PERIOD = wall_seconds("progress_period", 5.0, "between two progress lines", 0.1, 3600.0)

ENVIRONMENT = (
    wall_seconds("step_timeout", 15.0, "for one step of the cell", 0.1, 3600.0, read_only=True),
    wall_seconds("reset_timeout", 120.0, "for one reset of the cell", 0.1, 3600.0, read_only=True),
    Param("action_deadline", "float", 0.0,
          "seconds of ROS time after which an action moves nothing any more; 0: the arm's own",
          low=0.0, high=60.0, read_only=True),
)  # fmt: skip


def known_reset_options(node: CellNode) -> dict[str, dict[str, Any]]:
    """Return what a run records of the parameter ``reset_options``: ``reset_options``, or nothing.

    Raises:
        ConfigError: its text is no JSON object.
    """
    text = node.text(RESET_OPTIONS.name)
    if not text:
        return {}
    try:
        options = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"reset_options:={text[:80]} is no JSON: {error}") from error
    if not isinstance(options, dict):
        raise ConfigError(f"reset_options:={text[:80]} is no JSON object; {{}} is one without any")
    return {RESET_OPTIONS.name: options}


def configuration(node: CellNode, task: str | None, own: Sequence[str] = ()) -> Config:
    """Return the configuration that a node's parameters ask for.

    Args:
        node: has the parameters ``AGENT``.
        task: name of the cell's task; None before it is known: the parameters are checked only.
        own: overrides that those of the person win over.

    Raises:
        ConfigError: an unknown agent, preset or setting, an impossible value, or an
            unavailable CUDA device.
    """
    preset = node.text("preset")
    if preset == "auto":
        preset = OF_TASKS if task is None else preset_for(f"mentor/{task}")
    device = f"train.device={node.text('device')}"
    overrides = [device, *own]
    if node.text("agent") != "random":  # which has none of the settings
        overrides += override_list(node.text("overrides"))
    config = load_config(node.text("agent"), preset, overrides)
    if config.train.device.startswith("cuda"):
        from mentor_policy.device.resolve import resolve_device  # imports torch

        resolve_device(config.train.device)
    return config
