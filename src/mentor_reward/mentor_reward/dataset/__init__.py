"""Labelled images: collecting, labelling, reading."""
