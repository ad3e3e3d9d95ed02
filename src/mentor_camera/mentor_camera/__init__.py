"""Cameras: RealSense capture and the stacking of frames into observations."""
