"""The process around a node: signals, the executor's thread, and a clean end."""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.signals import SignalHandlerOptions

from mentor_common.node.bounded_sequences import BOUNDED, MISSING
from mentor_common.node.cell_node import CellNode
from mentor_common.node.dds import configure_dds
from mentor_common.node.debug_log import forward_python_log, quiet_client_library
from mentor_common.node.exit_alarm import exit_after
from mentor_common.node.guarded_executor import GuardedExecutor
from mentor_common.node.parameters import ParameterError
from mentor_common.node.starting import ENDING
from mentor_common.node.working_node import ANEW

ENDS_WITH_LAUNCH = "MENTOR_ENDS_WITH_LAUNCH"
"""Environment variable that launch files set to their process id: the node ends when that process
has, or the one that started the node.

`ros2 launch` leaves its processes running when it ends by SIGTERM or is killed.
"""

HIGHEST_PRIORITY = -20
"""The least niceness that a process can have."""

CONFIGURING = 1.0
"""Seconds that a node which is told to end while it is configured has for it.

It has begun nothing yet, and a large library that is imported, or a slow device, would hold it.
"""

LEAVING = 3.0
"""Seconds in which a process leaves the graph; a launch kills it 5 s after its signal.

Fast DDS 3.2 may wait for ever there when other processes leave it at the same moment.
"""

_signalled = threading.Event()
"""Whether a signal has ended the node: then it is not started again."""


def run(make_node: Callable[[], CellNode], args: list[str] | None = None) -> int:
    """Run a node until it finishes or a signal ends it; return the exit status.

    SIGINT and SIGTERM end it, and SIGHUP of a terminal that is closed (see ``_stop_at_signals``).
    The executor has a thread of its own, which is joined before the exit; this thread only waits
    for signals. Status 0 after a signal, 2 for refused parameters, else the node's own.
    """
    launch = LaunchWatch(os.environ.get(ENDS_WITH_LAUNCH, ""))
    configure_dds()
    stop = threading.Event()
    _signalled.clear()
    _stop_at_signals(stop)
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # a parameter file that is no YAML, an argument that is none of ROS
        print(f"refused: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        return 2
    quiet_client_library()
    try:
        node = make_node()
    except ParameterError as error:
        print(f"refused: {error}", file=sys.stderr, flush=True)
        rclpy.try_shutdown()
        return 2
    except Exception:
        rclpy.try_shutdown()
        raise
    node._cell_stopped = stop.set
    forward_python_log(node)
    if not BOUNDED:
        node.get_logger().warning(MISSING)
    executor = GuardedExecutor(node.drop_request)
    executor.add_node(node)

    def spin() -> None:
        node._cell_executor_thread = threading.get_ident()
        try:
            node.autostart()
            while not stop.is_set():
                executor.spin_once()
                node.low_latency.spin(executor, stop.is_set)
            _go_down(node, executor)
        except ExternalShutdownException:
            pass
        except Exception as error:
            node.get_logger().fatal(f"{error!r}\n{traceback.format_exc()}")
            node.finish(1)
        finally:
            stop.set()

    thread = threading.Thread(target=spin, name="executor")
    thread.start()
    _wait(node, stop, launch)
    _end(node, executor, thread)
    return node.exit_code or 0


class LaunchWatch:
    """Whether the launch that started this process still runs.

    A launch may be gone before this process has read who its parent is, and between the two there
    may be another one (a launch prefix).

    Args:
        launch: process id of the launch, as text; empty: this process does not end with it.
    """

    def __init__(self, launch: str) -> None:
        self._launch = launch
        self._parent = os.getppid()

    def is_gone(self) -> bool:
        """Return whether the launch, or the process that started this one, has ended."""
        if not self._launch:
            return False
        try:
            state = Path("/proc", self._launch, "stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return True
        return state in ("Z", "X") or os.getppid() != self._parent


def _end(node: CellNode, executor: GuardedExecutor, thread: threading.Thread) -> None:
    """Join the executor's thread and put everything away, unless the node is being configured.

    The process ends soon after, whatever happens.
    """
    node.call_soon(lambda: None)  # work to do ends the executor's wait
    thread.join(CONFIGURING if node.state_label == "unconfigured" else None)
    if thread.is_alive():
        return
    executor.remove_node(node)
    executor.shutdown(0.5)
    _do_exit_functions()
    exit_after(LEAVING, node.exit_code or 0)
    node.destroy_node()
    rclpy.try_shutdown()


def _stop_at_signals(stop: threading.Event) -> None:
    """Set ``stop`` at each of ENDING; SIGHUP stays ignored in a process started with nohup."""

    def handle(*_: object) -> None:
        _signalled.set()
        stop.set()

    for number in ENDING:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle)


def _wait(node: CellNode, stop: threading.Event, launch: LaunchWatch) -> None:
    """Wait until the node is to end: after a signal, by itself, or with its launch.

    Args:
        node: that runs.
        stop: set when it is to end.
        launch: that started it.
    """
    while not stop.wait(0.5):
        if launch.is_gone():
            node.get_logger().warning("the launch that started this node is gone: ending")
            stop.set()


def main(make_node: Callable[[], CellNode], niceness: int = HIGHEST_PRIORITY) -> None:
    """Call :func:`run`, then end the process with its status, or start it again; for entry points.

    What was registered to be done at the exit is done (children, temporary files, logs), but the
    interpreter is not taken apart: with torch that takes seconds, and a worker that does not end
    would hold it for ever.

    Args:
        make_node: makes the node.
        niceness: of the process, at least (see nice(1)): above 0, other nodes' work goes first. By
            default it stays what it is.
    """
    os.setpriority(os.PRIO_PROCESS, 0, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))
    code = run(make_node)
    try:
        _do_exit_functions()
        if code == ANEW:
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # until there is a handler for them
            if _signalled.is_set():
                code = 0
            else:
                os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    finally:
        os._exit(code)


def _do_exit_functions() -> None:
    """Do what was registered to be done at the exit, once, and write what was printed."""
    _leave_the_display()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    ctypes.CDLL(None).fflush(None)


def _leave_the_display() -> None:
    """Leave EGL's display to the operating system, which frees it at once.

    Mesa's eglTerminate, which MuJoCo has registered, waits for the thread of the shader cache; that
    has the lowest priority, and on a busy machine gets its turn after 8 s.
    """
    egl = sys.modules.get("OpenGL.EGL")
    if egl is not None:
        atexit.unregister(egl.eglTerminate)


def _go_down(node: CellNode, executor: GuardedExecutor) -> None:
    if node.state_label != "finalized":
        node.trigger_shutdown()
    # Lets the last answers out: results of goals that were stopped just now.
    until = time.monotonic() + 0.1
    while time.monotonic() < until:
        executor.spin_once(timeout_sec=0.02)
