"""The reward node."""
