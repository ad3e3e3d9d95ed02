"""The agents: DrQ-v2 is the base; DrM, MENTOR, ALIX and TACO override what differs."""

from .base import Agent, NonFiniteGradientError
from .batch import Batch

__all__ = ["Agent", "Batch", "NonFiniteGradientError"]
