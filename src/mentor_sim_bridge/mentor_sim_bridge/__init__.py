"""Simulators: DMC, Meta-World and Adroit over the topics, and twins of the real cells."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
