"""Import the libraries of a cell's hardware, which a twin does not need."""

from __future__ import annotations

import importlib
from typing import Any

COMMAND = "make hardware"
"""Installs requirements-hardware.txt into the environment."""


class HardwareLibraryMissing(ImportError):
    """A library for hardware is not installed; the message has the command that installs it."""


def hardware_library(module: str, package: str) -> Any:
    """Import a module that comes with requirements-hardware.txt.

    Args:
        module: name to import, e.g. "pyrealsense2".
        package: name of the package that holds it, e.g. "pyrealsense2".

    Returns:
        the module.

    Raises:
        HardwareLibraryMissing: it is not installed, or does not load.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        why = "is not installed" if getattr(error, "name", None) == module.split(".")[0] else error
        raise HardwareLibraryMissing(
            f"the library '{package}' (module {module}) {why}; '{COMMAND}' installs it"
        ) from error
