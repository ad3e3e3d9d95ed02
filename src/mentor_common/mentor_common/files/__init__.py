"""Files that are written whole or not at all, and read with a limit to what is believed."""
