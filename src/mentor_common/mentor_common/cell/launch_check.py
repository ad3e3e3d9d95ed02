"""``python -m mentor_common.cell.launch_check TASK CELL_FILE RESET_OPTIONS``: check what a cell is
launched with, as the launch files do before they start a node.

Status 2 and one line where it is refused. An empty CELL_FILE or RESET_OPTIONS is not checked.
"""

from __future__ import annotations

import json
import sys

from mentor_common.cell.cell_file import load_cell
from mentor_common.tasks.reset_routine import check_options, make_routine
from mentor_common.tasks.task import find_task


def check(task_name: str, cell_file: str, reset_options: str) -> None:
    """Check that the files and the options are those of a cell.

    Args:
        task_name: name of the task, or the path of its file.
        cell_file: path of the cell file; empty: there is none.
        reset_options: JSON object, options of every reset; empty: there are none.

    Raises:
        FileNotFoundError, ValueError: the task file or the cell file cannot be read or is refused,
            or the routine of the task has no such option.
    """
    task = find_task(task_name)
    if cell_file:
        load_cell(cell_file)
    if reset_options:
        known = getattr(make_routine(task), "options", {})  # a plug-in may be no subclass
        check_options(json.loads(reset_options), known, f"reset_options:= of task {task.name}")


def main() -> None:
    """Check what the command line names."""
    try:
        check(*sys.argv[1:])
    except (FileNotFoundError, ValueError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
