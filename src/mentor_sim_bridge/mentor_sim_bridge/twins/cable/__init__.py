"""The twin of the cable routing cell."""
