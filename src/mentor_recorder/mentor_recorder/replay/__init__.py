"""Replaying a bag, and comparing what the nodes make of it with what they made of it then."""
