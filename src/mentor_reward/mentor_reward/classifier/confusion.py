"""Confusion matrices as numbers, text and picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return counts (classes, classes) int64: rows are true states, columns predicted states."""
    flat = np.bincount(np.asarray(true) * classes + np.asarray(predicted), minlength=classes**2)
    return flat.reshape(classes, classes)


def recall_per_class(matrix: np.ndarray) -> np.ndarray:
    """Return the recall (classes,) of each state; NaN for a state without images."""
    total = matrix.sum(axis=1)
    return np.where(total > 0, np.diag(matrix) / np.maximum(total, 1), np.nan)


def confusion_table(matrix: np.ndarray, names: Sequence[str]) -> str:
    """Return the matrix as a Markdown table, with the recall of each class in the last column."""
    head = ["true \\ predicted", *names, "images", "recall"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row, recall in zip(names, matrix, recall_per_class(matrix), strict=True):
        share = "-" if np.isnan(recall) else f"{100 * recall:.2f} %"
        cells = [name, *(str(count) for count in row), str(row.sum()), share]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw_confusion(
    path: str | Path, matrices: dict[str, np.ndarray], names: dict[str, Sequence[str]]
) -> None:
    """Draw the matrices of all cameras side by side into one PNG.

    Args:
        path: path of the PNG; its folder is made.
        matrices: counts (classes, classes) by camera.
        names: names of the classes, by camera.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(matrices), figsize=(6.2 * len(matrices), 5.4))
    for axis, (camera, matrix) in zip(np.atleast_1d(axes), matrices.items(), strict=True):
        labels = [name.lower().replace("_", " ") for name in names[camera]]
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axis.set_xticks(range(len(labels)), labels, rotation=35, ha="right")
        axis.set_yticks(range(len(labels)), labels)
        axis.set_xlabel("predicted state")
        axis.set_ylabel("true state")
        axis.set_title(f"{camera}: {matrix.sum()} held-out images")
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                axis.text(
                    column,
                    row,
                    str(count),
                    ha="center",
                    va="center",
                    color="white" if shares[row, column] > 0.5 else "black",
                )
    figure.tight_layout()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
