"""Carries the parts of a reset routine out, whatever the task."""
