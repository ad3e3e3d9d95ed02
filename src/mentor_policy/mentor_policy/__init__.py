"""Visual reinforcement learning agents (MENTOR, DrM, DrQ-v2, ALIX, TACO), replay and training."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
