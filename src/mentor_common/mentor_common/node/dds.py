"""Settings of the DDS layer with which a cell survives the death and the suspension of a process.

**Lease.** A process that dies by force stays in the others' graph until its lease ends: 20 s by
default in Fast DDS, 10 s in Cyclone DDS. The dying one announces the lease, so every process of
ours asks for a short one before it starts.

**UDP, no shared memory** (Fast DDS). Each process receives at a numbered port in shared memory,
and the next process takes the port of one that was killed. The others may go on writing into what
the dead one had mapped: the new process is in the graph, but services do not answer it. Locks of
killed processes stay there as well, and a process of another user or container does not share the
memory. Over UDP there are no such ports; where discovery is limited to localhost, rmw_fastrtps
still makes a segment, a file that nobody uses and that the next launch removes if it was left.
With sockets of 4 MB it takes no more processor time, and loses fewer large images than the 0.5 MB
of shared memory that Fast DDS has by default.

A person's own profile is left alone.
"""

from __future__ import annotations

import os
from pathlib import Path

LEASE = 3.0
"""Seconds after which a silent process counts as dead."""
_PROFILE = Path(__file__).with_name("fastdds_profile.xml")


def configure_dds() -> None:
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
