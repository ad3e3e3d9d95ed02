"""``python -m mentor_camera check`` and ``calibrate``: a cell's cameras, seen and placed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mentor_camera.calibration.server import serve
from mentor_camera.check import check_cameras
from mentor_common.cell.report import Report
from mentor_common.node.starting import take_over


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mentor_camera", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="what of the cameras is right or wrong")
    calibrate = commands.add_parser(
        "calibrate",
        help="show live images in the browser, choose serials and crops, write the file",
    )
    for command in (check, calibrate):
        command.add_argument("--cell", default="", help="cell file")
        command.add_argument("--task", required=True, help="task, or its file's path")
        command.add_argument(
            "--source", action="append", default=[], metavar="CAMERA=SOURCE",
            help="open this instead of the device, e.g. side=feed:PATH",
        )  # fmt: skip
    calibrate.add_argument("--port", type=int, default=8766, help="of the page, on this machine")
    arguments = parser.parse_args()
    sources = dict(item.split("=", 1) for item in arguments.source)
    if arguments.command == "check":
        report = Report()
        with take_over():
            check_cameras(arguments.cell, arguments.task, report, sources)
        return report.status
    if not arguments.cell:
        parser.error("calibrate writes a cell file: name it with --cell")
    try:
        with take_over():
            serve(Path(arguments.cell), arguments.task, arguments.port, sources)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
