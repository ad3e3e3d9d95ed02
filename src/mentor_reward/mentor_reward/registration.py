"""Tells gymnasium of the environment with classified rewards, without importing what it needs."""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

CLASSIFIED_ID = "mentor/cable_routing_classified-v0"


def register_environments() -> None:
    """Called by gymnasium through the entry point group ``gymnasium.envs``."""
    if CLASSIFIED_ID not in registry:
        register(CLASSIFIED_ID, entry_point="mentor_reward.rewards.classified_env:make_classified")
