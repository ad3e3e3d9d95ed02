"""Remove what an interrupted pip left half installed, so that pip installs it again.

pip takes a package for installed as soon as its metadata lie there. A package whose record is
missing, or names a file that is missing or too short, loses its metadata here.
"""

from __future__ import annotations

import shutil
import sysconfig
from importlib.metadata import Distribution
from pathlib import Path


def is_whole(distribution: Distribution) -> bool:
    """Return whether every file of the distribution's record is there, in full size."""
    if not distribution.files:
        return False
    for file in distribution.files:
        path = Path(str(distribution.locate_file(file)))
        if not path.exists():
            return False
        # Byte code is written again by Python, and the wheels' cmake files by our path repair.
        if file.size and path.suffix not in {".pyc", ".cmake"} and path.stat().st_size != file.size:
            return False
    return True


def main() -> None:
    """Go through the environment that runs this script."""
    for metadata in Path(sysconfig.get_paths()["purelib"]).glob("*.dist-info"):
        distribution = Distribution.at(metadata)
        if not is_whole(distribution):
            print(f"set-up: {metadata.stem} was half installed; it is installed anew")
            shutil.rmtree(metadata)


if __name__ == "__main__":
    main()
