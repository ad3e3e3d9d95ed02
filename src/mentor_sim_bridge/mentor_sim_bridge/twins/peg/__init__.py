"""The twin of the peg insertion cell."""
