"""Task files as dataclasses, and one module per task with its states and success."""
