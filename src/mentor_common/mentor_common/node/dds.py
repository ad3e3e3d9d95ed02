"""Settings of the DDS layer that make the death of a process visible in seconds.

A process that dies by force stays in the others' graph until its lease ends: 20 s by default in
Fast DDS, 10 s in Cyclone DDS. The dying one announces the lease, so every process of ours asks
for a short one before it starts; a person's own profile is left alone.

Until the lease ends the others keep writing into the dead one's place in shared memory. A process
that takes this place in that time may make it again unseen by Fast DDS (3.2) in the others, which
then never reach it: it is in the graph, but services do not answer it. So whoever was killed is
started again after its lease, as the launch files' ``respawn`` does.
"""

from __future__ import annotations

import os
from pathlib import Path

LEASE = 3.0
"""Seconds after which a silent process counts as dead."""
_PROFILE = Path(__file__).with_name("fastdds_profile.xml")


def ask_for_short_lease() -> None:
    """Set the environment for the DDS layer; call before ``rclpy.init``."""
    names = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
    if not any(name in os.environ for name in names):
        old = os.environ.get("ROS_DISTRO", "") in ("humble", "iron", "jazzy")  # Fast DDS 2
        os.environ[names[old]] = str(_PROFILE)
    os.environ.setdefault(
        "CYCLONEDDS_URI",
        "<CycloneDDS><Domain><Discovery><LeaseDuration>"
        f"{LEASE:g}s</LeaseDuration></Discovery></Domain></CycloneDDS>",
    )
