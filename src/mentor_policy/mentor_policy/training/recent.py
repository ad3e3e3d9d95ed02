"""How the newest training episodes went: what progress, logs and topics report."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

EPISODES = 20
"""Episodes that are averaged over."""


class Recent:
    """Returns and successes of the newest training episodes."""

    def __init__(self) -> None:
        self.returns: deque[float] = deque(maxlen=EPISODES)
        self.successes: deque[bool] = deque(maxlen=EPISODES)

    def add(self, total: float, success: bool) -> None:
        """Note an episode; a NaN return (steps are missing) is left out."""
        if not math.isnan(total):
            self.returns.append(total)
        self.successes.append(success)

    @property
    def last_return(self) -> float:
        """Return of the newest episode, NaN before the first."""
        return self.returns[-1] if self.returns else math.nan

    @property
    def mean_return(self) -> float:
        """Mean return, NaN before the first episode."""
        return sum(self.returns) / len(self.returns) if self.returns else math.nan

    @property
    def success(self) -> float:
        """Share of the episodes that succeeded, NaN before the first."""
        return sum(self.successes) / len(self.successes) if self.successes else math.nan

    def state(self) -> dict[str, Any]:
        """Return the JSON values that :meth:`load_state` takes."""
        return {"returns": list(self.returns), "successes": [bool(s) for s in self.successes]}

    def load_state(self, values: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` gave; anything else counts as no episodes."""
        returns, successes = values.get("returns", []), values.get("successes", [])
        self.returns.extend(float(value) for value in returns)
        self.successes.extend(bool(value) for value in successes)
