"""``python -m mentor_sim_bridge``: list, show, play, bridge."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mentor_common.cli.commands import run_command
from mentor_sim_bridge.cli import bridge, list, play, show

COMMANDS = {"list": list, "show": show, "play": play, "bridge": bridge}
REFUSALS = (OSError, ValueError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    description = "Simulated environments: list, render and play them, or serve them over topics."
    return run_command("mentor_sim_bridge", description, COMMANDS, REFUSALS, arguments)


if __name__ == "__main__":
    sys.exit(main())
