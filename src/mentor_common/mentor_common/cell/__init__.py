"""What a real cell is made of, beside its task: the cell file, and libraries of its hardware."""
