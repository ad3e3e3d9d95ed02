"""What a node counts and times, and the health that follows from it.

A meter is written from any thread and read once a second. Thresholds turn a reading into OK,
WARN or ERROR.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OK, WARN, ERROR = 0, 1, 2
LEVELS = ("OK", "WARN", "ERROR")


@dataclass(frozen=True)
class Limits:
    """Thresholds of a reading; None: no such threshold. The reading is bad beyond them."""

    warn_below: float | None = None
    error_below: float | None = None
    warn_above: float | None = None
    error_above: float | None = None

    def level(self, value: float) -> int:
        """Return OK, WARN or ERROR; a reading that is not there (NaN) is OK."""
        if math.isnan(value):
            return OK
        if (self.error_below is not None and value < self.error_below) or (
            self.error_above is not None and value > self.error_above
        ):
            return ERROR
        if (self.warn_below is not None and value < self.warn_below) or (
            self.warn_above is not None and value > self.warn_above
        ):
            return WARN
        return OK

    def __str__(self) -> str:
        words = [
            f"{name.replace('_', ' ')} {value:g}"
            for name, value in vars(self).items()
            if value is not None
        ]
        return ", ".join(words)


@dataclass(frozen=True)
class Reading:
    """One number of a node at one time; ``value`` is NaN where there is none yet."""

    name: str
    value: float
    unit: str
    limits: Limits

    @property
    def level(self) -> int:
        """OK, WARN or ERROR."""
        return self.limits.level(self.value)


@dataclass
class Meter:
    """A number that is read once a second. Made by :class:`Health`; ``kind`` decides what it is:

    counter: all since the start; rate: per second since the last reading; timing: mean in
    milliseconds since the last reading; gauge: the last value.
    """

    name: str
    kind: str
    unit: str
    limits: Limits
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _total: float = 0.0
    _count: int = 0
    _last: float = math.nan
    _since: float = field(default_factory=time.monotonic)

    def add(self, amount: float = 1.0) -> None:
        """Count events (counter, rate)."""
        with self._lock:
            self._total += amount

    def set(self, value: float) -> None:
        """Set a gauge."""
        with self._lock:
            self._last = float(value)

    def took(self, seconds: float) -> None:
        """Add one duration (timing)."""
        with self._lock:
            self._total += seconds
            self._count += 1

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Time a block (timing)."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.took(time.perf_counter() - begin)

    @property
    def total(self) -> float:
        """What a counter has counted."""
        return self._total

    def read(self) -> Reading:
        """Return the reading since the last one."""
        with self._lock:
            if self.kind == "counter":
                value = self._total
            elif self.kind == "gauge":
                value = self._last
            elif self.kind == "rate":
                now = time.monotonic()
                value = self._total / max(now - self._since, 1e-9)
                self._total, self._since = 0.0, now
            else:
                value = self._total / self._count * 1000.0 if self._count else math.nan
                self._total, self._count = 0.0, 0
        return Reading(self.name, value, self.unit, self.limits)


@dataclass(frozen=True)
class Problem:
    """Something wrong that is no number: who waits for whom, a fault."""

    level: int
    text: str


class Health:
    """All meters of a node, and the problems that it knows of."""

    def __init__(self) -> None:
        self._meters: dict[str, Meter] = {}
        self._problems: dict[str, Problem] = {}
        self._sources: list[Callable[[], list[Problem]]] = []
        self._lock = threading.Lock()

    def counter(self, name: str, limits: Limits = Limits()) -> Meter:
        """Return a counter since the start."""
        return self._meter(name, "counter", "", limits)

    def rate(self, name: str, limits: Limits = Limits()) -> Meter:
        """Return events per second."""
        return self._meter(name, "rate", "Hz", limits)

    def timing(self, name: str, limits: Limits = Limits()) -> Meter:
        """Return a meter of the mean duration, milliseconds."""
        return self._meter(name, "timing", "ms", limits)

    def gauge(self, name: str, unit: str = "", limits: Limits = Limits()) -> Meter:
        """Return the last value."""
        return self._meter(name, "gauge", unit, limits)

    def problem(self, name: str, level: int, text: str) -> None:
        """Report a problem, until :meth:`solved`."""
        with self._lock:
            self._problems[name] = Problem(level, text)

    def solved(self, name: str) -> None:
        """Take a problem back."""
        with self._lock:
            self._problems.pop(name, None)

    def add_source(self, source: Callable[[], list[Problem]]) -> None:
        """Add a source that is asked for problems at each report."""
        self._sources.append(source)

    def report(self) -> tuple[int, str, list[Reading]]:
        """Return the worst level, one line of text, and all readings."""
        readings = [meter.read() for meter in list(self._meters.values())]
        with self._lock:
            problems = list(self._problems.values())
        for source in self._sources:
            problems += source()
        for reading in readings:
            if reading.level != OK:
                problems.append(
                    Problem(
                        reading.level,
                        f"{reading.name} is {reading.value:g} {reading.unit}".rstrip()
                        + f" ({reading.limits})",
                    )
                )
        problems.sort(key=lambda problem: -problem.level)
        level = problems[0].level if problems else OK
        return level, "; ".join(problem.text for problem in problems), readings

    def _meter(self, name: str, kind: str, unit: str, limits: Limits) -> Meter:
        known = self._meters.get(name)
        if known is not None:
            if (known.kind, known.unit) != (kind, unit):
                raise ValueError(f"meter '{name}' is a {known.kind} already, not a {kind}")
            known.limits = limits
            return known
        meter = self._meters[name] = Meter(name, kind, unit, limits)
        return meter
