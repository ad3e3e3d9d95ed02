"""Everything a run writes down: CSV, TensorBoard, and Weights & Biases where it is asked for."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from mentor_policy.training.csv_log import CsvLog, Value, read_csv
from mentor_policy.training.evaluation import Evaluation

_log = logging.getLogger(__name__)
EPISODE_COLUMNS = (
    "frames", "episode", "episode_return", "success", "length", "updates", "dormant_ratio",
    "frames_per_second", "learner_idle", "seconds",
)  # fmt: skip
EVALUATION_COLUMNS = (
    "frames", "return_mean", "return_std", "success", "success_low", "success_high", "episodes",
    "seconds",
)  # fmt: skip


class RunLog:
    """Writes ``train.csv`` (a row an episode), ``eval.csv``, and the losses to TensorBoard.

    Args:
        folder: folder of the run.
        resume_step: what was written after this step is taken out; None keeps all.
        config: configuration of the run, for Weights & Biases (used if it is installed and
            ``WANDB_PROJECT`` or ``WANDB_API_KEY`` is set).
    """

    def __init__(self, folder: Path, resume_step: int | None, config: Mapping[str, Any]) -> None:
        self._episodes = CsvLog(folder / "train.csv", EPISODE_COLUMNS, resume_step)
        self._evaluations = CsvLog(folder / "eval.csv", EVALUATION_COLUMNS, resume_step)
        tables = [read_csv(folder / name) for name in ("train.csv", "eval.csv")]
        self.seconds = max((row for table in tables for row in table["seconds"]), default=0.0)
        """Wall time of the run up to the last row that is kept."""
        purge = None if resume_step is None else resume_step + 1
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=purge)
        self._wandb = _start_wandb(folder, config)

    def episode(self, step: int, values: Mapping[str, Value | None]) -> None:
        """Log a training episode; ``values`` by the names of ``EPISODE_COLUMNS``."""
        self._episodes.write(step, [values[name] for name in EPISODE_COLUMNS])
        self.scalars(step, {f"train/{name}": v for name, v in values.items() if v is not None})

    def evaluation(self, step: int, frames: int, result: Evaluation, seconds: float) -> None:
        """Log an evaluation, in place of one of the same step.

        Args:
            step: agent steps.
            frames: frames that so many steps make.
            result: result of its episodes.
            seconds: since the run began.
        """
        low, high = result.interval
        values: list[Value] = [
            frames, result.mean, result.std, result.success, low, high,
            len(result.returns), seconds,
        ]  # fmt: skip
        self._evaluations.replace(step, values)
        named = dict(zip(EVALUATION_COLUMNS, values, strict=True))
        self.scalars(step, {f"eval/{name}": value for name, value in named.items()})
        self._board.flush()

    def losses(self, step: int, statistics: Mapping[str, Tensor]) -> None:
        """Log what an update returned; 1-d tensors (a number per expert) get a curve for each."""
        values: dict[str, Value] = {}
        for name, tensor in statistics.items():
            if tensor.ndim == 0:
                values[name] = float(tensor)
            else:
                values.update({f"{name}/{i}": v for i, v in enumerate(tensor.tolist())})
        self.scalars(step, values)

    def scalars(self, step: int, values: Mapping[str, Value]) -> None:
        """Log numbers for the curves."""
        for name, value in values.items():
            self._board.add_scalar(name, value, step)
        if self._wandb is not None:
            self._wandb.log(dict(values), step=step)

    def close(self) -> None:
        """Write out and close everything; a disk that is full by now hides no earlier error."""
        for log in (self._episodes, self._evaluations, self._board):
            with contextlib.suppress(OSError):
                log.close()
        if self._wandb is not None:
            self._wandb.finish()


def _start_wandb(folder: Path, config: Mapping[str, Any]) -> Any:
    wanted = os.environ.get("WANDB_PROJECT") or os.environ.get("WANDB_API_KEY")
    if not wanted:
        return None
    if importlib.util.find_spec("wandb") is None:
        _log.warning(
            "WANDB_PROJECT or WANDB_API_KEY is set, but wandb is not installed: nothing is sent to "
            "Weights & Biases; pip install wandb"
        )
        return None
    wandb = importlib.import_module("wandb")
    return wandb.init(
        project=os.environ.get("WANDB_PROJECT", "mentor"),
        name=folder.name,
        id=folder.name,
        resume="allow",
        dir=str(folder),
        config=dict(config),
    )
