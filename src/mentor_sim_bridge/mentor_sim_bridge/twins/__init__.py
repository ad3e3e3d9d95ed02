"""Simulated bodies of the real cells: MuJoCo cells with a dynamic arm under impedance control."""
