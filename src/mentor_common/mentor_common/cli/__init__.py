"""What the command lines of the packages share."""
