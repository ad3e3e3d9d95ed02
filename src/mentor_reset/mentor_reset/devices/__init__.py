"""Devices beside the arm that reset routines use."""
