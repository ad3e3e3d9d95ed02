"""The command line: ``python -m mentor_sim_bridge list | show | play | bridge``."""
