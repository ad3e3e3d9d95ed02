"""The parameters that policy, actor and learner node share."""

from __future__ import annotations

import shlex

from mentor_common.parameters import Param

AGENT = (
    Param(
        "agent", "str", "mentor",
        "who acts: mentor, mentor_wo_moe, mentor_wo_tp, mentor_wo_both, mentor_pretrained, drm, "
        "drqv2, alix, taco or random",
        read_only=True,
    ),
    Param(
        "preset", "str", "robot",
        "column of Table 2: robot, metaworld, dmc, dog, adroit, coffee_push_soccer or another "
        "file of mentor_policy/config/presets",
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
    Param("threads", "int", 0, "torch threads; 0: one per core", low=0, high=1024, read_only=True),
)  # fmt: skip

ENVIRONMENT = (
    Param("step_timeout", "float", 15.0, "seconds of wall time for one step of the cell", low=0.1,
          high=3600.0, read_only=True),
    Param("reset_timeout", "float", 120.0, "seconds of wall time for one reset of the cell",
          low=0.1, high=3600.0, read_only=True),
    Param("action_deadline", "float", 0.0,
          "seconds of ROS time after which an action moves nothing any more; 0: the arm's own",
          low=0.0, high=60.0, read_only=True),
)  # fmt: skip


def override_list(text: str) -> list[str]:
    """``overrides`` as a list of ``key=value``; commas between them are taken, too."""
    words = shlex.split(text)
    return [word.rstrip(",") for word in words if word.rstrip(",")]
