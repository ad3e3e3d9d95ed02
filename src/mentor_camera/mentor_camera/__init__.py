"""Cameras: RealSense capture and the stacking of frames into observations."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
