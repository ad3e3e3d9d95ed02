"""The command line: ``python -m mentor_reward collect | label | train | evaluate | calibrate``."""
