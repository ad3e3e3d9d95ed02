"""The reset node."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
