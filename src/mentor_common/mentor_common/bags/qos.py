"""QoS profiles as rosbag2 writes them: a YAML list of profiles, numbers for the policies."""

from __future__ import annotations

from typing import Any

import yaml
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)

_INFINITE = {"sec": 9223372036, "nsec": 854775807}


def qos_to_yaml(profile: QoSProfile) -> str:
    """Return a profile as rosbag2 writes ``offered_qos_profiles``: a list of one."""
    entry = {
        "history": _word(profile.history),
        "depth": int(profile.depth),
        "reliability": _word(profile.reliability),
        "durability": _word(profile.durability),
        "deadline": dict(_INFINITE),
        "lifespan": dict(_INFINITE),
        "liveliness": "automatic",
        "liveliness_lease_duration": dict(_INFINITE),
        "avoid_ros_namespace_conventions": False,
    }
    return yaml.safe_dump([entry], sort_keys=False, default_flow_style=False)


def qos_from_yaml(text: str, depth: int = 256) -> QoSProfile:
    """Return the first profile of such a list; the history's depth is at least ``depth``.

    Older rosbag2 wrote numbers, newer ones write words; both are read. What is missing or unknown
    is reliable and volatile.
    """
    try:
        profiles = yaml.safe_load(text) if text else None
    except yaml.YAMLError:
        profiles = None
    first: dict[str, Any] = profiles[0] if isinstance(profiles, list) and profiles else {}
    reliable = str(first.get("reliability", "reliable")) not in ("best_effort", "2")
    latched = str(first.get("durability", "volatile")) in ("transient_local", "1")
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=max(depth, int(first.get("depth", 0) or 0)),
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def _word(policy: Any) -> str:
    return str(policy.name).lower()
