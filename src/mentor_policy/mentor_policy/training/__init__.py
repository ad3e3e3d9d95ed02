"""Training: one loop over any gymnasium environment, run folders, checkpoints, logs."""
