"""Registers the twins with gymnasium, without importing a simulator."""

from __future__ import annotations

import gymnasium

CABLE_ID = "mentor/cable_routing-v0"
SNAPSHOTS_ID = "mentor/cable_routing_snapshots-v0"
PEG_ID = "mentor/peg_insertion-v0"
PEG_SENSORS_ID = "mentor/peg_insertion_sensors-v0"
"""Its reward comes from the arm's pose and the goals that were taught, as on a real cell."""
GOLF_ID = "mentor/tabletop_golf-v0"
GOLF_SENSORS_ID = "mentor/tabletop_golf_sensors-v0"
"""Its reward comes from the court cameras."""
_TWINS = {
    CABLE_ID: "mentor_sim_bridge.twins.cable.env:CableRoutingEnv",
    SNAPSHOTS_ID: "mentor_sim_bridge.twins.cable.snapshots:CableSnapshotsEnv",
    PEG_ID: "mentor_sim_bridge.twins.peg.env:PegInsertionEnv",
    GOLF_ID: "mentor_sim_bridge.twins.golf.env:GolfEnv",
}


def register_twins() -> None:
    """Register the cells, and the variants of their rewards."""
    for name, entry_point in _TWINS.items():
        gymnasium.register(name, entry_point=entry_point)
    sensors = {"states": "sensors"}
    gymnasium.register(PEG_SENSORS_ID, entry_point=_TWINS[PEG_ID], kwargs=sensors)
    gymnasium.register(GOLF_SENSORS_ID, entry_point=_TWINS[GOLF_ID], kwargs=sensors)
