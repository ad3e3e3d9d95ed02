"""Options that several commands have, and what they lead to."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

CAMERAS = ("slot_1", "slot_2")


def show_defaults(parser: argparse.ArgumentParser) -> None:
    """Let the help text name the default of each option."""
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, the folder that commands read and write."""
    parser.add_argument(
        "--data", type=Path, default=Path("runs/slot_images"), help="folder of labelled images"
    )


def add_environment(parser: argparse.ArgumentParser) -> None:
    """Add ``--env``."""
    parser.add_argument(
        "--env",
        default="mentor/cable_routing-v0",
        help="gymnasium id of an environment whose info has the states slot_1 and slot_2",
    )


def make_environment(name: str, options: dict[str, Any] | None = None) -> Any:
    """Make an environment by its gymnasium id.

    Raises:
        ValueError, EnvironmentFailedError: it cannot be made.
    """
    import gymnasium

    from mentor_common.env.named_failures import make_named

    try:
        return make_named(name, **(options or {}))
    except (gymnasium.error.Error, TypeError) as error:
        raise ValueError(f"environment {name!r}: {error}") from error


def limit_threads() -> None:
    """Use ``$OMP_NUM_THREADS`` threads, by default one: several processes may share the machine."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
