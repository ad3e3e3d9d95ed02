"""Reset routines of the real tasks."""
