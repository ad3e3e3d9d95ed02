"""One line in front of the person's eyes: how far, how well, how fast, how long still."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

import numpy as np
from tqdm import tqdm

RECENT = 20
"""Episodes that the shown return and success are a mean of."""


class Progress:
    """A progress bar over frames with return, success, dormant ratio, frames/s and time left.

    Where the output is no terminal, a line is written every half minute instead.
    """

    def __init__(self) -> None:
        self.returns: deque[float] = deque(maxlen=RECENT)
        self.successes: deque[bool] = deque(maxlen=RECENT)
        self.dormant_ratio = float("nan")
        self._bar: Any = None

    def begin(self, frames: int, done: int) -> None:
        """Training begins: ``frames`` in all, of which ``done`` were done before."""
        self._bar = tqdm(
            total=frames,
            initial=done,
            unit="frame",
            unit_scale=True,
            dynamic_ncols=True,
            mininterval=0.5 if sys.stderr.isatty() else 30.0,
            smoothing=0.05,
        )

    def step(self, frames: int) -> None:
        """Some more frames are done."""
        self._bar.update(frames)

    def episode(self, total: float, success: bool, dormant_ratio: float) -> None:
        """A training episode is over."""
        self.returns.append(total)
        self.successes.append(success)
        self.dormant_ratio = dormant_ratio
        self._bar.set_postfix_str(
            f"return {np.mean(self.returns):.1f} success {np.mean(self.successes):.2f} "
            f"dormant {dormant_ratio:.2f}",
            refresh=False,
        )

    @property
    def frames_per_second(self) -> float:
        """Over the last while."""
        return float(self._bar.format_dict["rate"] or 0.0)

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()
