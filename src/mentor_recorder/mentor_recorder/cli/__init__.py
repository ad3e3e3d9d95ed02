"""The commands of ``python -m mentor_recorder``, one in each module."""
