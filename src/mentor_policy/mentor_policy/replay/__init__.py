"""Replay: a crash-safe ring of steps on disk, and n-step batches drawn from it."""

from mentor_policy.replay.header import ReplayError, RingHeader
from mentor_policy.replay.prefetch import Prefetcher
from mentor_policy.replay.ring import ReplayDiskFullError, ReplayRing, Step
from mentor_policy.replay.sampler import Sampler

__all__ = [
    "Prefetcher",
    "ReplayDiskFullError",
    "ReplayError",
    "ReplayRing",
    "RingHeader",
    "Sampler",
    "Step",
]
