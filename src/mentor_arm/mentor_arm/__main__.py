"""``python -m mentor_arm check``: go through a cell's robot without moving it."""

from __future__ import annotations

import argparse
import sys

from mentor_arm.check import check_robot
from mentor_common.cell.report import Report
from mentor_common.node.starting import take_over


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mentor_arm", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check", help="what of the robot and this machine is right or wrong"
    )
    check.add_argument("--cell", default="", help="cell file; empty: defaults")
    check.add_argument("--task", required=True, help="task, or the path of its file")
    arguments = parser.parse_args()
    report = Report()
    with take_over():
        check_robot(arguments.cell, arguments.task, report)
    return report.status


if __name__ == "__main__":
    sys.exit(main())
