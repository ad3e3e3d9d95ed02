"""Where packages and their executables are (`launch_ros.substitutions`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ament_index_python.packages import (
    PackageNotFoundError,
    get_package_prefix,
    get_packages_with_prefixes,
)

from mentor_bringup.runner.refusal import unknown
from mentor_bringup.runner.substitutions import Substitution, Texts, normalize, perform

if TYPE_CHECKING:
    from mentor_bringup.runner.context import LaunchContext


def package_prefix(package: str) -> Path:
    """Return where the package is installed.

    Raises:
        LaunchRefused: if it is not.
    """
    try:
        return Path(get_package_prefix(package))
    except (PackageNotFoundError, ValueError):
        raise unknown(
            f"there is no package '{package}'",
            get_packages_with_prefixes(),
            " (make build, or source the workspace that has it)",
        ) from None


def executable_path(package: str, executable: str) -> Path:
    """Return the path of a package's executable.

    Raises:
        LaunchRefused: if the package or the executable is not there.
    """
    folder = package_prefix(package) / "lib" / package
    path = folder / executable
    if not os.access(path, os.X_OK) or not path.is_file():
        known = [p.name for p in folder.glob("*") if p.is_file() and os.access(p, os.X_OK)]
        raise unknown(f"package {package} has no executable '{executable}'", known)
    return path


class FindPackageShare(Substitution):
    """The share folder of a package."""

    def __init__(self, package: Texts) -> None:
        self.package = package

    def perform(self, context: LaunchContext) -> str:
        """Return the folder."""
        package = perform(context, self.package)
        return str(package_prefix(package) / "share" / package)

    def describe(self) -> str:
        """Return the package's name."""
        return f"FindPackageShare(pkg={' + '.join(s.describe() for s in normalize(self.package))})"
