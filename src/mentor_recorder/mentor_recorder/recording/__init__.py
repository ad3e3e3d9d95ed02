"""Recording: which topics, into which bag, and what becomes of a disk that refuses."""
