"""Reset routines, one module per task."""
