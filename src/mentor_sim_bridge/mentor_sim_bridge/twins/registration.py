"""Names the twins to gymnasium, without importing a simulator."""

from __future__ import annotations

CABLE_ID = "mentor/cable_routing-v0"


def register_twins() -> None:
    """Registers `mentor/cable_routing-v0`. Twice is once."""
    import gymnasium

    if CABLE_ID not in gymnasium.registry:
        gymnasium.register(
            CABLE_ID, entry_point="mentor_sim_bridge.twins.cable_env:CableRoutingEnv"
        )
