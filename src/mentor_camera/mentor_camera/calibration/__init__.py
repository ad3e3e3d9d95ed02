"""Calibration of a cell's cameras: live images in the browser, crops and serials in the file."""
