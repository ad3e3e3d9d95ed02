"""``python -m mentor_reward label``: label images by hand on a local web page."""

from __future__ import annotations

import argparse

from mentor_reward.cli.shared_options import CAMERAS, add_data, show_defaults


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    show_defaults(parser)
    add_data(parser)
    parser.add_argument("--camera", choices=CAMERAS, help="only images of this camera")
    parser.add_argument("--port", type=int, default=8765, help="of the page, on this machine only")


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; return the exit code."""
    from mentor_common.cli.local_page import serve_until_interrupted
    from mentor_reward.dataset.label_server import Labelling, make_server

    serve_until_interrupted(
        make_server(Labelling(options.data, options.camera or ""), options.port)
    )
    return 0
