"""The agents: DrQ-v2 is the base; DrM, MENTOR, ALIX and TACO override what differs.

The names below are imported when they are first used: whoever needs only a module without torch,
such as ``agents.shape``, does not wait for torch, which takes seconds to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentor_policy.agents.base import Agent, NonFiniteGradientError
    from mentor_policy.agents.batch import Batch
    from mentor_policy.agents.make import make_agent

__all__ = ["Agent", "Batch", "NonFiniteGradientError", "make_agent"]

_MODULES = {
    "Agent": "base",
    "Batch": "batch",
    "NonFiniteGradientError": "base",
    "make_agent": "make",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
