"""Finds and follows the golf ball in the court cameras."""
