"""Bounds the memory that the reading of one request may take.

A topic's message is read where it lies, and a length beyond its end is refused. A request is read
from a buffer that grows (Fast DDS's client library, 9.3): the length of a sequence is believed, and
sixteen bytes from a stranger would take all memory of the machine, so that the kernel would kill
the process. Under a limit the library reports that it could not, and drops the request. The limit
holds for the whole process while a request is read, so it is set only where a request of this kind
can come.
"""

from __future__ import annotations

import importlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from rosidl_parser.definition import AbstractSequence, NamespacedType

HEADROOM = 1 << 28
"""Bytes that a request may take: a hundred times the largest one of this kind in a cell."""
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
    """Return whether requests of a class hold a sequence."""
    return any(_is_open(field) for field in kind.SLOT_TYPES)


def _is_open(field: Any) -> bool:
    if isinstance(field, AbstractSequence):
        return True
    if not isinstance(field, NamespacedType):
        return False
    module = importlib.import_module(".".join(field.namespaces))
    inner = getattr(module, field.name, None)
    return inner is None or needs_bound(inner)  # parts of an action are no names of its module
