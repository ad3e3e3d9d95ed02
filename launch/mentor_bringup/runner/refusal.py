"""What the runner does not know, it refuses by name and with what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LaunchRefused(Exception):
    """Something was asked for that cannot be done; the message names what would be right."""


def unknown(what: str, known: Iterable[str], way_out: str = "") -> LaunchRefused:
    """Return the refusal of a name: "<what>; did you mean 'x'? known: ...".

    Args:
        what: the refusal's beginning, which ends with the refused name in quotes.
        known: the names that would be right.
        way_out: what else can be done.
    """
    names = sorted(known)
    asked = what.rpartition("'")[0].rpartition("'")[2]
    near = difflib.get_close_matches(asked, names, n=1)
    guess = f"; did you mean '{near[0]}'?" if near else ";"
    return LaunchRefused(f"{what}{guess} known: {', '.join(names) or 'none'}{way_out}")
