"""What only serves a processor: memory of its C library, and orders of work that it likes."""
