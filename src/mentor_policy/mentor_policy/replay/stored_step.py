"""A record of a ring as the step that it was stored as."""

from __future__ import annotations

import numpy as np

from mentor_policy.replay.records import SUCCESS, TERMINATED, TRUNCATED, VALID
from mentor_policy.replay.ring import ReplayRing
from mentor_policy.replay.step import Step


def stored_step(ring: ReplayRing, number: int) -> Step:
    """Return the step of a record that the ring holds.

    Args:
        ring: to read from.
        number: number of the record; not one that carries only older frames.
    """
    record = ring.records[ring.slot(number)]
    step, flags = int(record["step"]), int(record["flags"])
    return Step(
        int(record["episode"]),
        step,
        ring.observation(number),
        np.array(record["action"], np.float32) if step else None,
        float(record["reward"]),
        terminated=bool(flags & TERMINATED),
        truncated=bool(flags & TRUNCATED),
        valid=bool(flags & VALID),
        success=bool(flags & SUCCESS),
        state=np.array(record["state"], np.float32) if ring.header.state_size else None,
    )
