"""Runs a launch file by the real `launch` of a ROS 2 distribution.

`ros2 launch` alone ends with status 0 whatever its processes did, and leaves them running when it
is ended by SIGTERM. Here the same launch service runs in a child, which this process asks by SIGINT
to end, and whose exit status is that of the process that ended the launch.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import traceback
from typing import Any

from mentor_bringup.runner.descendants import end_marked, ending_signals, new_mark
from mentor_bringup.runner.guardian import Guardian

_PR_SET_PDEATHSIG = 1


def load_launch_file(path: str) -> Any:
    """Return the launch description of a Python launch file."""
    from launch import LaunchContext
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    return PythonLaunchDescriptionSource(path).get_launch_description(LaunchContext())


def run(path: str, given: dict[str, str]) -> int:
    """Run a launch file to its end.

    Args:
        path: path of the launch file.
        given: launch arguments, name to value.

    Returns:
        The status of the process that ended the launch; 128 and the signal's number if a signal
        did.
    """
    mark = new_mark()
    os.environ.update(mark)
    sys.stdout.flush()
    guardian = Guardian(mark)
    # A signal waits until somebody handles it: the service may be up before the handlers below are.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ending_signals())
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _serve(path, given)
    received: list[int] = []

    def end(number: int, _: object) -> None:
        received.append(number)
        with contextlib.suppress(ProcessLookupError):  # it has ended, and its descendants are ended
            os.kill(child, signal.SIGINT)

    for number in ending_signals():
        signal.signal(number, end)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        end_marked(mark)
        guardian.dismiss()
    return 128 + received[0] if received else _shell_status(status)


def _serve(path: str, given: dict[str, str]) -> None:
    """Run the launch service in this process, and end the process with the launch's status."""
    status = 1
    try:
        os.setpgid(0, 0)  # a terminal's Ctrl-C reaches the parent alone, which passes it on
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        launch = _Launch(path, given)
        # The launch service reads signals from a file descriptor (set_wakeup_fd). The handler
        # of mentor_common.node.starting would end it before the processes that it has started.
        signal.signal(signal.SIGINT, lambda *_: None)
        status = launch.run()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


class _Launch:
    """The launch service and the processes whose ends decide its status."""

    def __init__(self, path: str, given: dict[str, str]) -> None:
        from launch import LaunchDescription, LaunchService
        from launch.actions import IncludeLaunchDescription, RegisterEventHandler
        from launch.event_handlers import OnProcessStart, OnShutdown
        from launch.launch_description_sources import PythonLaunchDescriptionSource

        self._followed: list[Any] = []
        self._failed_first = 0
        self._ended_last = 0
        self._status = 0
        self._service = LaunchService(
            argv=[f"{name}:={value}" for name, value in given.items()], noninteractive=True
        )
        self._service.include_launch_description(
            LaunchDescription(
                [
                    RegisterEventHandler(OnProcessStart(on_start=self._on_start)),
                    RegisterEventHandler(OnShutdown(on_shutdown=self._on_shutdown)),
                    IncludeLaunchDescription(
                        PythonLaunchDescriptionSource(path), launch_arguments=given.items()
                    ),
                ]
            )
        )

    def run(self) -> int:
        """Return the status of the process that ended the launch, else that of the service."""
        status = int(self._service.run())
        return self._status or status

    def _on_start(self, event: Any, context: Any) -> None:
        """Follow the process's end; the newest handler is called first, whatever others raise."""
        from launch.event_handlers import OnProcessExit

        if event.action not in self._followed:
            self._followed.append(event.action)
            context.register_event_handler(
                OnProcessExit(target_action=event.action, on_exit=self._on_exit)
            )

    def _on_exit(self, event: Any, context: Any) -> None:
        if not context.is_shutdown:
            self._ended_last = _shell_status(event.returncode)
            self._failed_first = self._failed_first or self._ended_last

    def _on_shutdown(self, event: Any, _: Any) -> None:
        if not self._status and not event.due_to_sigint:
            idle = event.reason == "idle"
            self._status = self._failed_first if idle else self._ended_last


def _shell_status(code: int) -> int:
    """Return an exit status as a shell gives it: 128 and the number for a signal."""
    return 128 - code if code < 0 else code
