"""A small process that ends the launch's processes if the runner itself is killed."""

from __future__ import annotations

import os
import signal

from mentor_bringup.runner.descendants import end_marked


class Guardian:
    """Waits at one end of a pipe; the runner's death, even by kill -9, closes the other."""

    def __init__(self, mark: dict[str, str]) -> None:
        read_end, self._write_end = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            os.close(self._write_end)
            self._watch(read_end, mark)
        os.close(read_end)

    @staticmethod
    def _watch(read_end: int, mark: dict[str, str]) -> None:
        status = 0
        try:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):  # do not keep the pipes of whoever reads the runner's output
                os.dup2(null, stream)
            if not os.read(read_end, 1):  # nothing was written: the runner has died
                end_marked(mark)
        except BaseException:
            status = 1
        os._exit(status)

    def dismiss(self) -> None:
        """Let the guardian go: the runner has ended its processes by itself."""
        os.write(self._write_end, b".")
        os.close(self._write_end)
        os.waitpid(self._process, 0)
