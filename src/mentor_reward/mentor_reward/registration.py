"""Registers the environment with classified rewards, without importing what it needs."""

from __future__ import annotations

import gymnasium

CLASSIFIED_ID = "mentor/cable_routing_classified-v0"


def register_own() -> None:
    """Register this package's environment; the entry point of group ``mentor.environments``."""
    gymnasium.register(
        CLASSIFIED_ID,
        entry_point="mentor_reward.rewards.sensor_reward_env:make_sensor_reward",
        kwargs={"task": "cable_routing"},
    )
