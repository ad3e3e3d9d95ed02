"""Which column of Table 2 an environment trains with."""

from __future__ import annotations

import re

PRESETS = (
    (r"mentor/dmc-dog_", "dog"),
    (r"mentor/dmc-", "dmc"),
    (r"mentor/metaworld-(coffee_push|soccer)", "coffee_push_soccer"),
    (r"mentor/metaworld-", "metaworld"),
    (r"mentor/adroit-", "adroit"),
    (r"mentor/cable_routing", "cable_routing"),
    (r"mentor/(ros|peg_insertion|tabletop_golf)", "robot"),
)
"""Column of Table 2 that belongs to an environment's id; Meta-World's where none fits."""


def preset_for(environment: str) -> str:
    """Return the preset that an environment trains with unless another one is chosen."""
    for pattern, preset in PRESETS:
        if re.match(pattern, environment):
            return preset
    return "metaworld"
