"""What lies in the folder runs/, for the errors about a run or a bag that does not exist.

``python -m mentor_common.files.found_runs bags|checkpoints`` prints it, for the launch files.
"""

from __future__ import annotations

import sys
from pathlib import Path

RUNS = Path("runs")
"""Where runs are by default, below the present folder."""
PATTERNS = {
    "bags": ("*/bags/*/*.mcap", "*/*/bags/*/*.mcap"),
    "checkpoints": ("*/checkpoints/*/checkpoint.json", "*/*/checkpoints/*/checkpoint.json"),
}
"""Files that show what a folder is: a task's run lies in runs/<task>/<agent>-<seed>."""
MOST = 8
"""Names in an error at most."""


def in_runs(kind: str) -> str:
    """Return a text such as ``runs/ has checkpoints in: runs/cable_routing/mentor-0``, the newest
    first.

    Args:
        kind: ``bags``, of which each is named, or ``checkpoints``, of which the run is.
    """
    above = 0 if kind == "bags" else 2  # of a bag's file, and of a checkpoint's
    folders: dict[Path, float] = {}
    for pattern in PATTERNS[kind]:
        for file in RUNS.glob(pattern):
            folder = file.parents[above]
            folders[folder] = max(folders.get(folder, 0.0), _changed(file))
    newest = sorted(folders, key=lambda folder: -folders[folder])
    if not newest:
        return f"{RUNS}/ has no {kind}"
    more = f" and {len(newest) - MOST} more" if len(newest) > MOST else ""
    return f"{RUNS}/ has {kind} in: {', '.join(map(str, newest[:MOST]))}{more}"


def _changed(file: Path) -> float:
    """Return when a file was changed, seconds since 1970; 0.0: it is gone."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


if __name__ == "__main__":
    print(in_runs(sys.argv[1]))
