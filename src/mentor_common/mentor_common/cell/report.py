"""What a check of a cell finds, one line each, and the status that follows from it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO


class Report:
    """Prints findings as they come.

    Args:
        stream: where they are printed.
    """

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self.wrong = 0

    def right(self, what: str) -> None:
        """Print what is as it should be."""
        self._line("right", what)

    def note(self, what: str) -> None:
        """Print what is worth knowing and stops nothing."""
        self._line("note ", what)

    def fail(self, what: str) -> None:
        """Print what is wrong, with the way out."""
        self.wrong += 1
        self._line("WRONG", what)

    def expect(self, condition: bool, right: str, wrong: str) -> bool:
        """Print one of two findings; return the condition."""
        (self.right if condition else self.fail)(right if condition else wrong)
        return condition

    def attempt(self, work: Callable[[], str]) -> bool:
        """Print what `work` returns as right, or what it raises as wrong; return which it was."""
        try:
            self.right(work())
        except Exception as error:
            self.fail(" ".join(str(error).split()))
            return False
        return True

    @property
    def status(self) -> int:
        """Exit status: 1 if anything was wrong."""
        return int(self.wrong > 0)

    def _line(self, status: str, what: str) -> None:
        print(f"{status}  {what}", file=self._stream, flush=True)
