"""What can be done with a bag that lies on the disk: describe, check, repair, cut."""
