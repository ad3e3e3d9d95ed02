"""``python -m mentor_policy.config AGENT PRESET OVERRIDES``: check them, as the launch files do.

Status 2 and one line where they are refused. It imports no torch, so it takes a moment only.
"""

from __future__ import annotations

import sys

from mentor_policy.config.check import ConfigError
from mentor_policy.config.load import load_config, override_list
from mentor_policy.config.preset_for import OF_TASKS


def main() -> None:
    """Check the command line's agent, preset (auto: that of tasks without one) and overrides."""
    agent, preset, overrides = sys.argv[1:]
    try:
        load_config(agent, OF_TASKS if preset == "auto" else preset, override_list(overrides))
    except ConfigError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
