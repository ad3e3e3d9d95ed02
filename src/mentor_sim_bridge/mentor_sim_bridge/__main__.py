"""``python -m mentor_sim_bridge``: list, show, play, bridge."""

from __future__ import annotations

import sys

from mentor_common.cli.commands import command_line
from mentor_sim_bridge.cli import bridge, list, play, show

COMMANDS = {"list": list, "show": show, "play": play, "bridge": bridge}
REFUSALS = (OSError, ValueError)

main = command_line(
    "mentor_sim_bridge",
    "Simulated environments: list, render and play them, or serve them over topics.",
    COMMANDS,
    REFUSALS,
)


if __name__ == "__main__":
    sys.exit(main())
