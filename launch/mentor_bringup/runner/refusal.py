"""What the runner does not know it refuses by name, with what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LaunchRefused(Exception):
    """Something that cannot be done was asked for; says what would be right."""


def unknown(what: str, known: Iterable[str], way_out: str = "") -> LaunchRefused:
    """Refuse a name: "<what>; did you mean 'x'? known: ..."."""
    names = sorted(known)
    asked = what.rpartition("'")[0].rpartition("'")[2]
    near = difflib.get_close_matches(asked, names, n=1)
    guess = f"; did you mean '{near[0]}'?" if near else ";"
    return LaunchRefused(f"{what}{guess} known: {', '.join(names) or 'none'}{way_out}")
