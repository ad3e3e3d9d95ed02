"""QoS profiles: all keep the last messages, and differ in depth, reliability and durability."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _profile(
    depth: int,
    reliability: ReliabilityPolicy,
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE,
) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=durability,
    )


def reliable(depth: int) -> QoSProfile:
    """Return RELIABLE, VOLATILE: nothing is lost between two that are connected.

    It also serves best-effort subscribers.
    """
    return _profile(depth, ReliabilityPolicy.RELIABLE)


def best_effort(depth: int) -> QoSProfile:
    """Return BEST_EFFORT, VOLATILE: matches any publisher, and never waits for a lost message."""
    return _profile(depth, ReliabilityPolicy.BEST_EFFORT)


def transient_local(depth: int) -> QoSProfile:
    """Return RELIABLE, TRANSIENT_LOCAL: a late subscriber gets the last ``depth`` messages."""
    return _profile(depth, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
