"""Simulated bodies: DMC, Meta-World and Adroit over the topics of the stack, and twins of the real cells."""
