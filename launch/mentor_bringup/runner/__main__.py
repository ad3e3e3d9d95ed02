"""`python -m mentor_bringup.runner`: see command_line."""

import sys

from mentor_bringup.runner.command_line import main

if __name__ == "__main__":
    sys.exit(main())
