"""``python -m mentor_policy.device NAME``: check the name of a device, as the launch files do.

Status 2 and one line where it is refused.
"""

from __future__ import annotations

import sys

from mentor_policy.config.check import ConfigError
from mentor_policy.device.resolve import resolve_device


def main() -> None:
    """Check the device that the command line names."""
    try:
        resolve_device(sys.argv[1])
    except ConfigError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
