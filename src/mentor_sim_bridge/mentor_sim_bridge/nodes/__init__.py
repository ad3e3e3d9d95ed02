"""The nodes of this package: parameters, topics, callbacks."""
