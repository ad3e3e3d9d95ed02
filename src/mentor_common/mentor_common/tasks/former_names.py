"""What keys of task files and parameters of nodes were called in earlier versions.

Bags hold the task file and the parameters with which they were recorded. Where one of these is read
from a bag, a former name counts as the present one; anywhere else it is refused.
"""

from __future__ import annotations

from typing import Any

KEYS = {"max_age": "frame_tolerance"}
"""Present names of task file keys, by their former names."""
PARAMETERS = {"cell": "cell_file"}
"""Present names of parameters, by their former names."""


def with_present_keys(data: Any) -> Any:
    """Return the content of a YAML file with the present names of its keys, at every level."""
    if isinstance(data, dict):
        return {KEYS.get(key, key): with_present_keys(value) for key, value in data.items()}
    if isinstance(data, list):
        return [with_present_keys(item) for item in data]
    return data
