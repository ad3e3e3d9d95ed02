"""The step of a robot arm, once for every twin and every real arm: action in, motion out."""
