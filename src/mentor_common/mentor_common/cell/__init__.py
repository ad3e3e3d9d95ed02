"""What a real cell is made of, besides its task: the cell file, and libraries of its hardware."""
