"""The package's metadata and entry points stand in setup.cfg."""

from setuptools import setup

setup()
