"""Nodes of the policy package: parameters, topics and callbacks."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
