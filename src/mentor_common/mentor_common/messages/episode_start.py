"""What a reset sampled, as the rewards take it."""

from __future__ import annotations

import json

import numpy as np

from mentor_common.tasks.reward_model import EpisodeInfo
from mentor_msgs.msg import EpisodeStart


def episode_info(message: EpisodeStart, axes: int) -> EpisodeInfo:
    """Return the content of an EpisodeStart.

    Args:
        message: as the reset node publishes it.
        axes: number of the task's axes.

    Raises:
        ValueError: the message contradicts itself or the task.
    """
    start = np.array(message.start, np.float32)
    offset = np.array(message.window_offset, np.float32)
    for name, values in (("start", start), ("window offset", offset)):
        if values.shape not in ((0,), (axes,)) or not np.isfinite(values).all():
            raise ValueError(
                f"an episode's {name} {values.tolist()}; none or {axes} numbers needed"
            )
    if len(message.option_names) != len(message.option_values):
        raise ValueError("an episode start with other than one value for each option")
    try:
        options = {
            name: json.loads(value)
            for name, value in zip(message.option_names, message.option_values, strict=True)
        }
    except (ValueError, RecursionError) as error:
        raise ValueError(f"an episode start with an option that is no JSON: {error}") from error
    return EpisodeInfo(
        episode=message.episode,
        seed=message.seed if message.seeded else None,
        start=start if start.size else None,
        window_offset=offset if offset.size else None,
        options=options,
    )
