"""Bounds the memory that the reading of one message may take.

The client library believes the length of a sequence of texts or messages, and makes that many
before it reads them: sixteen bytes from a stranger would take all memory of the machine, and the
kernel would kill the process. Under a limit the library reports that it could not, and drops the
message. The limit holds for the whole process while a message is read, so it is set only where a
message of this kind can come.
"""

from __future__ import annotations

import importlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from rosidl_parser.definition import AbstractSequence, BasicType, NamespacedType

HEADROOM = 1 << 28
"""Bytes that a message may take: a hundred times the largest one of this kind in a cell."""
_PAGE = resource.getpagesize()
_STATM = Path("/proc/self/statm")


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Let this process get no more than HEADROOM bytes of memory within the context."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = int(_STATM.read_text().split()[5]) * _PAGE + HEADROOM
    if soft == resource.RLIM_INFINITY or limit < soft:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@cache
def needs_bound(kind: Any) -> bool:
    """Return whether messages of a class hold a sequence of anything but numbers."""
    return any(_is_open(field) for field in kind.SLOT_TYPES)


def is_open(subscription: Any) -> bool:
    """Return whether a subscription has its messages read, and they need a bound."""
    return not subscription.raw and needs_bound(subscription.msg_type)


def _is_open(field: Any) -> bool:
    if isinstance(field, AbstractSequence):
        return not isinstance(field.value_type, BasicType)
    if not isinstance(field, NamespacedType):
        return False
    module = importlib.import_module(".".join(field.namespaces))
    inner = getattr(module, field.name, None)
    return inner is None or needs_bound(inner)  # parts of an action are no names of its module
