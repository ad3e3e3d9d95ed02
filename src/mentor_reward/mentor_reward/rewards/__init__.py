"""Reward models, one module per task."""
