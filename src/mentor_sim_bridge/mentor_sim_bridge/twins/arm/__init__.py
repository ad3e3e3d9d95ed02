"""The Panda of all twins: model, impedance control, cameras, and the messages of its topics."""
