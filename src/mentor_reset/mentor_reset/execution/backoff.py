"""How long to wait before something that failed is tried again."""

from __future__ import annotations

FIRST = 0.5
"""Seconds before the second try."""
LONGEST = 10.0
"""Seconds before any later one, at most."""


def backoff(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: 0, then doubling to LONGEST."""
    return min(LONGEST, FIRST * 2.0 ** min(failures - 1, 10)) if failures else 0.0
