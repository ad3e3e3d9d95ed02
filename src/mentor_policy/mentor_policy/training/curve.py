"""The learning curve of a run as a PNG."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mentor_policy.training.csv_log import read_csv


def import_plotting() -> None:
    """Import what draws: it takes a second, which whoever ends a training would wait for."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401


@contextmanager
def curve_drawn_beside(folder: Path, title: str) -> Iterator[Future[Path | None]]:
    """Draw the curve in a thread while the block runs, and wait for it; see :func:`draw_curve`.

    The process that ends is waited for: so long as the longer of both takes, not both.
    """
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(draw_curve, folder, title)


def draw_curve(folder: Path, title: str) -> Path | None:
    """Draw ``curve.png`` of a run's ``train.csv`` and ``eval.csv``.

    Returns:
        The file, or None if there is nothing to draw yet.
    """
    training, evaluation = read_csv(folder / "train.csv"), read_csv(folder / "eval.csv")
    if not training.get("step") and not evaluation.get("step"):
        return None
    # Imported here: it takes a second, which every training would wait for before its first step.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5))
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.15, top=0.89)
    if training.get("step"):
        left.plot(
            training["step"], training["episode_return"], ".", ms=2, label="training episodes"
        )
        right.plot(training["step"], training["dormant_ratio"], "-", color="tab:gray", lw=1,
                   label="dormant ratio (training)")  # fmt: skip
    if evaluation.get("step"):
        left.plot(evaluation["step"], evaluation["return_mean"], "o-", label="evaluation, mean")
        right.plot(evaluation["step"], evaluation["success"], "o-", label="success (evaluation)")
        right.fill_between(
            evaluation["step"], evaluation["success_low"], evaluation["success_high"], alpha=0.2
        )
    left.set(xlabel="agent steps", ylabel="episode return")
    right.set(xlabel="agent steps", ylim=(-0.02, 1.02))
    for axes in (left, right):
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    figure.suptitle(title, fontsize=10)
    path = folder / "curve.png"
    figure.savefig(path, dpi=100)
    return path
