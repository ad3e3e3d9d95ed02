"""Nodes: parameters, topics and callbacks around the arm."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
