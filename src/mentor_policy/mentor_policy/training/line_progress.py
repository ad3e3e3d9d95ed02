"""Progress as lines of a log, for output that is no terminal of one's own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from mentor_policy.training.progress import Progress

WIDTH = 20
"""Characters of the bar."""


class LineProgress(Progress):
    """Says a line every few seconds: bar, frames, return, success, dormant ratio, speed, time left.

    Args:
        say: takes a line.
        period: seconds between two lines.
    """

    def __init__(self, say: Callable[[str], None], period: float) -> None:
        super().__init__()
        self._say = say
        self._period = period
        self._frames = self._done = 0
        self._rate = 0.0
        self._seen = (time.monotonic(), 0)

    def begin(self, frames: int, done: int) -> None:
        """See :meth:`Progress.begin`."""
        self._frames, self._done = frames, done
        self._seen = (time.monotonic(), done)

    def step(self, frames: int) -> None:
        """See :meth:`Progress.step`."""
        self._done += frames
        now, (then, before) = time.monotonic(), self._seen
        if now - then < self._period:
            return
        rate = (self._done - before) / (now - then)
        self._rate = rate if not self._rate else 0.5 * self._rate + 0.5 * rate
        self._seen = (now, self._done)
        self._say(self.line())

    def line(self) -> str:
        """How it stands."""
        share = min(1.0, self._done / max(1, self._frames))
        full = int(share * WIDTH)
        bar = "#" * full + "." * (WIDTH - full)
        parts = [f"[{bar}] {share * 100:.0f} % {self._done}/{self._frames} frames"]
        if self.returns:
            parts.append(f"return {np.mean(self.returns):.1f}")
            parts.append(f"success {np.mean(self.successes):.2f}")
        if not math.isnan(self.dormant_ratio):
            parts.append(f"dormant {self.dormant_ratio:.2f}")
        if self._rate:
            left = (self._frames - self._done) / self._rate
            parts.append(f"{self._rate:.1f} frames/s")
            parts.append(f"{_duration(left)} left")
        return ", ".join(parts)

    def episode(self, total: float, success: bool, dormant_ratio: float) -> None:
        """See :meth:`Progress.episode`."""
        self.returns.append(total)
        self.successes.append(success)
        self.dormant_ratio = dormant_ratio

    @property
    def frames_per_second(self) -> float:
        """See :attr:`Progress.frames_per_second`."""
        return self._rate

    def say(self, line: str) -> None:
        """See :meth:`Progress.say`."""
        self._say(line)

    def close(self) -> None:
        """Say how it stands at the end."""
        if self._frames:
            self._say(self.line())


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
