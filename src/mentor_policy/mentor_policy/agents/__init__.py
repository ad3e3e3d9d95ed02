"""The agents: DrQ-v2 is the base; DrM, MENTOR, ALIX and TACO override what differs."""

from mentor_policy.agents.base import Agent, NonFiniteGradientError
from mentor_policy.agents.batch import Batch
from mentor_policy.agents.make import make_agent

__all__ = ["Agent", "Batch", "NonFiniteGradientError", "make_agent"]
