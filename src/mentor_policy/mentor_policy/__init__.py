"""Visual reinforcement learning agents (MENTOR, DrM, DrQ-v2, ALIX, TACO), replay and training."""
