"""Ends a process of ours quietly that is told to end while it still imports.

Imports take up to seconds, in which Ctrl-C would print a traceback out of the middle of them. Every
package, and every node's script, imports this first; what has been imported then takes the signals
over: :func:`mentor_common.node.running.run` for nodes, :func:`take_over` for commands.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process of ours; the last comes when the terminal is closed.

Nodes are started with the first two blocked (see setup/build.sh), until there is a handler.
"""

_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


def end_quietly_while_importing() -> None:
    """Have `ENDING` end this process, if it is one of a node or of a command of ours."""
    if not (_is_node() or _module().startswith("mentor_")):
        return
    with contextlib.suppress(ValueError):  # not the main thread, which alone may do so
        for number in ENDING:
            if signal.getsignal(number) in _DEFAULTS:  # else it is ignored, as by nohup
                signal.signal(number, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    if _is_node():
        with contextlib.suppress(OSError), open("/proc/self/comm", "w") as name:
            name.write(os.path.basename(sys.argv[0]))  # the process's name, else it is python


@contextlib.contextmanager
def take_over() -> Iterator[None]:
    """Let a command be interrupted as any Python program, but end it without a traceback."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if signal.getsignal(signal.SIGHUP) is _end:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(128 + signal.SIGINT) from None


def _end(number: int, _: FrameType | None) -> None:
    os._exit(0 if _is_node() else 128 + number)


def _is_node() -> bool:
    """Return whether a node's script runs, as <prefix>/lib/<package>/<node>."""
    folder = os.path.basename(os.path.dirname(sys.argv[0])) if sys.argv else ""
    return "--ros-args" in sys.argv or (folder.startswith("mentor_") and not _module())


def _module() -> str:
    """Return the module of ``python -m <module>``; empty: none, or one inside a package."""
    given = sys.orig_argv
    name = given[given.index("-m") + 1] if "-m" in given[:-1] else ""
    return "" if "." in name and name != "mentor_bringup.runner" else name


end_quietly_while_importing()
