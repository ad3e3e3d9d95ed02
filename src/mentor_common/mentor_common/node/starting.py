"""Ends a node quietly that is told to end while it still imports.

Imports of a node take up to seconds, in which Ctrl-C would print a traceback out of the middle of
them. The packages' ``nodes`` import this first; :func:`mentor_common.node.running.run` takes the
signals over.
"""

from __future__ import annotations

import os
import signal
import sys
import threading


def end_quietly_while_importing() -> None:
    """Have SIGINT and SIGTERM end this process with status 0, if it is one of a node."""
    is_node = "--ros-args" in sys.argv and threading.current_thread() is threading.main_thread()
    if is_node and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: os._exit(0))


end_quietly_while_importing()
