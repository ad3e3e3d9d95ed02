"""Topics with their QoS, and messages as arrays."""
