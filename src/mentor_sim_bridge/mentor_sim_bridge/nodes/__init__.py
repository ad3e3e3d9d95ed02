"""The nodes of this package: parameters, topics, callbacks."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
