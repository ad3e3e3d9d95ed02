"""Where the parts of a rehearsal meet: one folder and one loopback address for each cell."""

from __future__ import annotations

import os
import tempfile
import zlib
from pathlib import Path

REHEARSAL = "rehearsal"
"""In place of a control box's address or a camera's source: that of this cell's rehearsal."""


def _cell(namespace: str) -> str:
    name = namespace.strip("/").replace("/", "_") or "cell"
    return f"{os.getuid()}_{os.environ.get('ROS_DOMAIN_ID', '0')}_{name}"


def rehearsal_folder(namespace: str) -> Path:
    """Return the folder of a rehearsal's frame feeds and shared state.

    Args:
        namespace: namespace of the cell's nodes; with the ROS domain it identifies the cell.
    """
    return Path(tempfile.gettempdir()) / f"mentor_rehearsal_{_cell(namespace)}"


def rehearsal_address(namespace: str) -> str:
    """Return the loopback address of a rehearsal's control box, another one for each cell.

    Args:
        namespace: namespace of the cell's nodes.
    """
    number = zlib.crc32(_cell(namespace).encode())
    # 127.0 is left to others: it has localhost, and addresses that distributions use.
    return f"127.{1 + number % 250}.{number // 250 % 256}.{1 + number // 64000 % 250}"
