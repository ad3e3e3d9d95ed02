"""Nodes of the policy package: parameters, topics and callbacks."""
