"""Reward functions of the real tasks, slot classifiers and ball tracker."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
