"""Simulators: DMC, Meta-World and Adroit over the topics, and twins of the real cells."""
