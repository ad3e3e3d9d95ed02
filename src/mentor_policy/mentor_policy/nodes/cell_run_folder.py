"""The folder of a run in a cell, opened as a node asks for it. Imports torch: import it late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mentor_common.node.cell_node import CellNode
from mentor_policy.config import Config
from mentor_policy.training.environment import Shape
from mentor_policy.training.run_folder import RunFolder


def cell_environment(task: str) -> dict[str, Any]:
    """Return what a run's folder notes of a cell with that task."""
    return {"id": "mentor/ros-v0", "arguments": {}, "task": task}


def open_run_folder(
    node: CellNode, config: Config, task: str, action_repeat: int, path: Path, shape: Shape
) -> RunFolder:
    """Complete a configuration by the cell and by `max_steps`, and open the run's folder.

    Args:
        node: has the parameters; logs it where the run is complete already.
        config: configuration of the run; its frames and action repeat are set.
        task: task of the cell.
        action_repeat: frames of a step of the cell.
        path: path of the folder.
        shape: shape of the cell.

    Raises:
        RunFolderError: the folder is another run's, or in use; it is as it was.
    """
    config.train.action_repeat = action_repeat
    if node.integer("max_steps"):
        config.train.frames = node.integer("max_steps") * action_repeat
    folder = RunFolder(path, config, cell_environment(task), shape)
    if folder.finished is not None:
        node.get_logger().info(
            f"the run in {path.resolve()} is complete already; nothing was changed"
        )
    return folder
