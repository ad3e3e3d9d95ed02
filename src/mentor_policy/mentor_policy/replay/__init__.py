"""Replay: a crash-safe ring of steps on disk. Batches (``.sampler``, ``.prefetch``) need torch."""

from mentor_policy.replay.header import ReplayError, RingHeader
from mentor_policy.replay.ring import ReplayRing
from mentor_policy.replay.ring_folder import ReplayDiskFullError
from mentor_policy.replay.step import Step

__all__ = ["ReplayDiskFullError", "ReplayError", "ReplayRing", "RingHeader", "Step"]
