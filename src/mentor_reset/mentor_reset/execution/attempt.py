"""One attempt at a reset: the parts of a routine, carried out one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mentor_common.tasks.reset_routine import (
    BEGIN_EPISODE,
    Move,
    Part,
    PartFailed,
    PartResult,
    Parts,
    Save,
)


def run_routine(parts: Parts, carry_out: Callable[[Part], PartResult]) -> PartResult:
    """Carry a routine out to its end.

    Args:
        parts: parts of the routine.
        carry_out: does one part and returns what it led to, or raises PartFailed; the failure is
            raised inside the routine, which may catch it and continue.

    Returns:
        What the last part that saves nothing led to: the episode begins there.

    Raises:
        PartFailed: a failure that the routine did not catch.
        RuntimeError: the routine ended without a move that begins the episode.
    """
    last: tuple[Part, PartResult] | None = None
    try:
        part = next(parts)
        while True:
            try:
                result = carry_out(part)
            except PartFailed as failure:
                last = None
                part = parts.throw(failure)
            else:
                last = last if isinstance(part, Save) else (part, result)
                part = parts.send(result)
    except StopIteration:
        pass
    finally:
        parts.close()
    if last is None or not isinstance(last[0], Move) or not last[0].begins_episode:
        raise RuntimeError("the reset routine ended without a move that begins the episode")
    return last[1]


def progress_of(stage: str, stages: Sequence[str]) -> float:
    """Return the share of a routine that is done when ``stage`` begins, 0 to 1."""
    order = [*stages, BEGIN_EPISODE]
    return order.index(stage) / len(order) if stage in order else 0.0
