"""A straight reading of the paper, with no thought of speed, to measure against."""
