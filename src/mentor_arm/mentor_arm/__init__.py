"""The Franka arm: commands, limits and workspace safety."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
