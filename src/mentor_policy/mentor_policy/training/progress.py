"""The progress bar of a training run on a terminal."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

from mentor_policy.training.recent import Recent


class Progress:
    """A progress bar over frames with return, success, dormant ratio, frames/s and time left.

    Where the output is no terminal, a line is written every half minute instead.
    """

    def __init__(self) -> None:
        self._bar: Any = None

    def begin(self, frames: int, done: int) -> None:
        """Begin to show a training run: ``frames`` in all, of which ``done`` were done before."""
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
        """Count further frames as done."""
        self._bar.update(frames)

    def episode(self, recent: Recent, dormant_ratio: float) -> None:
        """Show how the newest training episodes went."""
        self._bar.set_postfix_str(
            f"return {recent.mean_return:.1f} success {recent.success:.2f} "
            f"dormant {dormant_ratio:.2f}",
            refresh=False,
        )

    def learn(self, updates: int, due: int) -> None:
        """Show updates done and updates that are due, while nothing else may happen for long."""

    @property
    def frames_per_second(self) -> float:
        """Speed over the last while; 0 before it is known."""
        return float(self._bar.format_dict["rate"] or 0.0)

    def log(self, line: str) -> None:
        """Write a line above the bar."""
        self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()
