"""Backends of the arm node: how commands reach a robot, and its state comes back."""
