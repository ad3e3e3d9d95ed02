"""A task in a package of its own: a point that goes to a spot on a table."""
