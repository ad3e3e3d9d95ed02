"""Progress as lines of a log, for output that is no terminal of one's own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from mentor_policy.training.progress import Progress
from mentor_policy.training.recent import Recent

WIDTH = 20
"""Characters of the bar."""
SLOWEST = 1e-3
"""Frames per second below which no time is predicted."""


class LineProgress(Progress):
    """Logs a line every few seconds: bar, frames, return, success, dormant ratio, speed, time left.

    Args:
        log: takes a line.
        period: seconds between two lines.
    """

    def __init__(self, log: Callable[[str], None], period: float) -> None:
        super().__init__()
        self._log = log
        self._period = period
        self._frames = self._done = 0
        self._rate = 0.0
        self._seen = (time.monotonic(), 0)
        self._recent = Recent()
        self._dormant_ratio = math.nan
        self._learned: tuple[int, int] | None = None

    def begin(self, frames: int, done: int) -> None:
        """See :meth:`Progress.begin`."""
        self._frames, self._done = frames, done
        self._seen = (time.monotonic(), done)

    def step(self, frames: int) -> None:
        """See :meth:`Progress.step`."""
        self._done += frames
        self._report()

    def episode(self, recent: Recent, dormant_ratio: float) -> None:
        """See :meth:`Progress.episode`."""
        self._recent, self._dormant_ratio = recent, dormant_ratio

    def learn(self, updates: int, due: int) -> None:
        """See :meth:`Progress.learn`."""
        self._learned = (updates, due)
        self._report()

    def line(self) -> str:
        """Return the line that describes where the training stands."""
        share = min(1.0, self._done / max(1, self._frames))
        full = int(share * WIDTH)
        bar = "#" * full + "." * (WIDTH - full)
        parts = [f"[{bar}] {share * 100:.0f} % {self._done}/{self._frames} frames"]
        if self._recent.returns:
            parts.append(f"return {self._recent.mean_return:.1f}")
            parts.append(f"success {self._recent.success:.2f}")
        if not math.isnan(self._dormant_ratio):
            parts.append(f"dormant {self._dormant_ratio:.2f}")
        if self._learned is not None:
            updates, due = self._learned
            parts.append(f"{updates} updates" + (f", {due} more due" if due else ""))
        if self._rate > SLOWEST:
            left = max(0, self._frames - self._done) / self._rate
            parts.append(f"{self._rate:.1f} frames/s")
            parts.append(f"{_duration(left)} left")
        return ", ".join(parts)

    @property
    def frames_per_second(self) -> float:
        """See :attr:`Progress.frames_per_second`."""
        return self._rate

    def log(self, line: str) -> None:
        """See :meth:`Progress.log`."""
        self._log(line)

    def close(self) -> None:
        """Log where it stands at the end."""
        if self._frames:
            self._log(self.line())

    def _report(self) -> None:
        now, (then, before) = time.monotonic(), self._seen
        if now - then < self._period:
            return
        rate = (self._done - before) / (now - then)
        self._rate = rate if not self._rate else 0.5 * self._rate + 0.5 * rate
        self._seen = (now, self._done)
        self._log(self.line())


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
