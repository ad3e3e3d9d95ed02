"""The same actions through the twin and both real robots, rehearsed: line by line the same cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rehearsed_cell import ACTIONS, RehearsedCell, rehearsed

pytestmark = pytest.mark.real_time


def play(cell: RehearsedCell) -> dict[str, Any]:
    """Act the same 20 actions; return what came of them."""
    cell.wait_until_whole()
    first, told = cell.play(ACTIONS, seed=3)
    episode = cell.env.episode
    assert cell._peer.wait(lambda: (episode, 20) in cell.motions, 10.0)
    motions = [cell.motions[episode, step] for step in range(1, 21)]
    return {
        "shape": first.shape,
        "dtype": first.dtype,
        "poses": np.array([motion.normalized for motion in motions]),
        "clipped": [motion.clipped for motion in motions],
        "terms": {tuple(one["reward_terms"]) for one in told},
        "rewards": [one["reward"] for one in told],
        "pixels": np.mean([one["observation"] for one in told], axis=0),
    }


def test_twenty_actions_lead_to_the_same_through_the_twin_and_both_robots(
    tmp_path: Path,
) -> None:
    """The observations' layout, the motions, the workspace and the rewards."""
    seen: dict[str, dict[str, Any]] = {}
    for robot in ("twin", "fci", "ros2_control"):
        for cell in rehearsed(robot, tmp_path):
            seen[robot] = play(cell)
    for robot in ("fci", "ros2_control"):
        real, twin = seen[robot], seen["twin"]
        assert (real["shape"], real["dtype"], real["terms"]) == (
            twin["shape"], twin["dtype"], twin["terms"]
        )  # fmt: skip
        assert np.abs(real["poses"]).max() <= 1.1, "outside the workspace and its window"
        # The same start and the same targets: what differs is how far the cable holds the arm back.
        apart = np.abs(real["poses"] - twin["poses"])
        assert np.median(apart) < 0.06 and apart.max() < 0.4, (robot, apart.max(axis=0))
        assert real["clipped"] == twin["clipped"]
        assert set(np.round(real["rewards"], 3)) <= {-4.0, -3.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 6.0,
                                                     8.0, 10.0, 15.0, 18.0}  # fmt: skip
