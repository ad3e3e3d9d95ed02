"""A gymnasium environment behind the topics of a cell; the bridge without its node."""
