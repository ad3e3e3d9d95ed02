"""The ROS nodes of the recorder."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
