"""Capture of colour images through librealsense: devices, recordings and simulated cameras."""
