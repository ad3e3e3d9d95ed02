"""A bag as pictures and films for people."""
