"""What became of the actions that a node received, in its diagnostics."""

from __future__ import annotations

from mentor_common.arm.command import CommandStatus
from mentor_common.node.health import WARN, Health

NAME = "clock of the actions"
_HINT = "are the clocks synchronised, and use_sim_time the same on both sides?"


class ActionReport:
    """Counts actions by their status, and names a clock that does not agree with the receiver's.

    Args:
        health: health of the node that receives the actions.
    """

    def __init__(self, health: Health) -> None:
        self._health = health
        self._counters = {status: health.counter(status.value) for status in CommandStatus}
        self._wrong_clock = False

    def note(self, status: CommandStatus, reason: str = "") -> None:
        """Note what became of an action, and why.

        One that is too old or in the future is a problem until one is executed again.
        """
        self._counters[status].add()
        if status in (CommandStatus.STALE, CommandStatus.FUTURE):
            self._wrong_clock = True
            self._health.problem(NAME, WARN, f"{status.value}: {reason}; {_HINT}")
        elif status.executed and self._wrong_clock:
            self._wrong_clock = False
            self._health.solved(NAME)
