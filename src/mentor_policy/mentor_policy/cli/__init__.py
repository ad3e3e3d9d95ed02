"""The command line: ``python -m mentor_policy train | evaluate | info``."""
