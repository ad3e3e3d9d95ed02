"""The tool-chain of the slot classifiers (collect, train, evaluate, label) as one command."""

from __future__ import annotations

import sys

from mentor_reward.command_line import main

if __name__ == "__main__":
    sys.exit(main())
