"""Placing the cameras of a cell: live images in the browser, and what they tell for the file."""
