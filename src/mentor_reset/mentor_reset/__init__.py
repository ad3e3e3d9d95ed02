"""Reset routines of the real tasks."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
