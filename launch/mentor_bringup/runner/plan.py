"""What it takes to start a process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProcessPlan:
    """A process that is to be started.

    Args:
        command: its command line.
        label: its name in the output.
        env: its whole environment.
        cwd: the folder that it runs in; None: the runner's own.
        quiet: whether only its standard error is shown.
        respawn_delay: seconds after its end until it is started again; None: never.
        patience: seconds from SIGINT to SIGTERM, and from there to SIGKILL; None: the default.
    """

    command: list[str]
    label: str
    env: dict[str, str]
    cwd: str | None
    quiet: bool
    respawn_delay: float | None
    patience: tuple[float | None, float | None]
