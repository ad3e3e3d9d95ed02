"""The slot state classifiers: networks, training, evaluation."""
