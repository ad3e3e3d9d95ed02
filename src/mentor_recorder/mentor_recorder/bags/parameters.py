"""The parameters of the recorded nodes, as files with which the same nodes can be started again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = "parameters"
LEFT_OUT = {
    "autostart", "diagnostics_period", "use_sim_time", "start_type_description_service",
    "image_reliability",
}  # fmt: skip
"""Parameters about how a node was run, not about what it computes."""


def write_parameters(bag_folder: Path, parameters: Mapping[str, Mapping[str, Any]]) -> None:
    """Write ``parameters/<node>.yaml`` beside the files of a bag.

    Args:
        bag_folder: folder of the bag.
        parameters: values by name, by the full name of the node.
    """
    folder = bag_folder / FOLDER
    folder.mkdir(exist_ok=True)
    for node, values in parameters.items():
        kept = {
            name: value
            for name, value in values.items()
            if name not in LEFT_OUT and not name.startswith("qos_overrides.") and value is not None
        }
        text = yaml.safe_dump({"/**": {"ros__parameters": kept}}, sort_keys=True)
        (folder / f"{node.rpartition('/')[2]}.yaml").write_text(text)
