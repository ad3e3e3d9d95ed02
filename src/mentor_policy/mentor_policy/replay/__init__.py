"""Replay: a crash-safe ring of steps on disk, and n-step batches drawn from it."""

from .header import ReplayError, RingHeader
from .prefetch import Prefetcher
from .ring import ReplayDiskFullError, ReplayRing, Step
from .sampler import Sampler

__all__ = [
    "Prefetcher",
    "ReplayDiskFullError",
    "ReplayError",
    "ReplayRing",
    "RingHeader",
    "Sampler",
    "Step",
]
