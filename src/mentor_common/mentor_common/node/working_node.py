"""The ground of a node: whether it works, the threads that it works with, and its end."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode

_DESTROYED = (InvalidHandle, rclpy_implementation.RCLError)
"""What the client library raises where it is asked for something that was destroyed."""

ANEW = 75
"""Exit status of a node that starts again, as its peers do not receive it (EX_TEMPFAIL)."""


class WorkingNode(LifecycleNode):
    """A lifecycle node that knows its state and has worker threads beside its callbacks.

    Attributes:
        active: whether it publishes, receives and accepts goals.
        state_label: the state of its lifecycle in a word.
        exit_code: status that its process is to end with, once it is known.
        full_name: its name with its namespace.
    """

    def __init__(self, name: str, **node_arguments: Any) -> None:
        self.active = False
        self.state_label = "unconfigured"
        self.exit_code: int | None = None
        self._cell_stopped: Callable[[], None] = lambda: None
        self._cell_workers: list[threading.Thread] = []
        self._cell_stopping = threading.Event()
        self._cell_executor_thread: int | None = None
        super().__init__(name, **node_arguments)
        self.full_name: str = self.get_fully_qualified_name()

    def inactive_peers(self) -> list[str]:
        """Return which nodes of the cell do not work, each with the state that it is in."""
        return []

    def start_worker(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Run ``work`` in a thread, which must end when ``stopping`` is set."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                if self.stopping.is_set() and isinstance(error, _DESTROYED):
                    return  # it asked the client library for what was destroyed as the node ends
                text = f"{name}: {error!r}\n{traceback.format_exc()}"
                self.get_logger().fatal(str(error) if getattr(error, "for_person", False) else text)
                self.finish(1)

        self._cell_workers = [thread for thread in self._cell_workers if thread.is_alive()]
        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._cell_workers.append(thread)
        thread.start()
        return thread

    @property
    def stopping(self) -> threading.Event:
        """Set while the node goes down: workers must end."""
        return self._cell_stopping

    def refuse_late_workers(self) -> None:
        """Refuse to begin anew while a worker of the last activation runs: it would go on.

        Raises:
            RuntimeError: names it.
        """
        if late := [thread.name for thread in self._cell_workers if thread.is_alive()]:
            raise RuntimeError(
                f"worker {', '.join(late)} of the last activation has not ended; try again when it "
                "has, or restart the node"
            )

    def call_soon(self, work: Callable[[], None]) -> None:
        """Run ``work`` on the thread of the callbacks; callable from any thread."""
        executor = self.executor
        if executor is not None:
            executor.create_task(work)

    def refuse_on_executor(self, what: str) -> None:
        """Raise RuntimeError if called on the thread of the callbacks, where waiting is a
        deadlock."""
        if threading.get_ident() == self._cell_executor_thread:
            raise RuntimeError(f"{what} is waited for on the callbacks' thread, a deadlock")

    def finish(self, code: int = 0) -> None:
        """End the process with this status, cleanly; callable from any thread."""
        if self.exit_code is None:
            self.exit_code = code
        self._cell_stopped()

    def _cell_join_workers(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for thread in self._cell_workers:
            if thread is threading.current_thread():
                continue
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                self.get_logger().error(f"worker '{thread.name}' does not end")
        self._cell_workers = [thread for thread in self._cell_workers if thread.is_alive()]
