"""Point the cmake files of the ROS wheels at this machine's Python and numpy headers.

The wheels carry two paths of the machine that built them; interface packages need these headers.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

import numpy

_BUILD_MACHINE = r"/opt/python/cp\d+-cp\d+"
_PYTHON_HEADERS = re.compile(_BUILD_MACHINE + r"/include/python3\.\d+")
_NUMPY_HEADERS = re.compile(
    _BUILD_MACHINE + r"/lib/python3\.\d+/site-packages/numpy/_?core/include"
)


def main() -> None:
    """Repair the environment that runs this script."""
    for file in (Path(sys.prefix) / "share").rglob("*.cmake"):
        text = file.read_text(errors="surrogateescape")
        repaired = _NUMPY_HEADERS.sub(lambda _: numpy.get_include(), text)
        repaired = _PYTHON_HEADERS.sub(lambda _: sysconfig.get_paths()["include"], repaired)
        if repaired != text:
            file.write_text(repaired, errors="surrogateescape")


if __name__ == "__main__":
    main()
