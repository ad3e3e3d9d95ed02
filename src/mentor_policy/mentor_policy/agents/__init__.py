"""The agents: DrQ-v2 is the base; DrM, MENTOR, ALIX and TACO override what differs."""

from .base import Agent, NonFiniteGradientError
from .batch import Batch
from .make import make_agent

__all__ = ["Agent", "Batch", "NonFiniteGradientError", "make_agent"]
