"""Work that one thread hands to another, and waits for by a future."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def carry_out(work: Callable[[], T], future: Future[T]) -> None:
    """Do the work unless it was cancelled; its result or error becomes the future's."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
