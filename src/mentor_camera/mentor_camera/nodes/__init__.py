"""Nodes: parameters, topics and callbacks around the stacking."""
