"""The reset node."""
