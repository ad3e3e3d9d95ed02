"""A table as a CSV file that only ever grows, and that a resumed run continues with."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from mentor_common.files.atomic import replaced
from mentor_policy.training.run_folder import RunFolderError

Value = float | int | bool


class CsvLog:
    """Rows under fixed columns; the first column is ``step``.

    Args:
        path: path of the file; made with a header if it is not there.
        columns: names after ``step``.
        resume_step: rows of later steps are taken out (the run goes back to a checkpoint there);
            None leaves all of them.
    """

    def __init__(self, path: Path, columns: Sequence[str], resume_step: int | None = None) -> None:
        self._path = path
        self._columns = ["step", *columns]
        self._newest = -1
        self._open(resume_step)

    def write(self, step: int, values: Sequence[Value | None]) -> None:
        """Append a row; None is an empty cell."""
        cells = ["" if value is None else _cell(value) for value in values]
        self._writer.writerow([step, *cells])
        self._file.flush()
        self._newest = step

    def replace(self, step: int, values: Sequence[Value | None]) -> None:
        """Append a row in place of those of the same step and of later ones."""
        if self._newest >= step:
            self._file.close()
            self._open(step - 1)
        self.write(step, values)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self, last_step: int | None) -> None:
        """Open the file to append, without the rows after a step."""
        # A row that is no row of numbers was being written when the process or the disk ended.
        rows = [row for row in _rows(self._path) if len(row) == len(self._columns) and _fits(row)]
        if last_step is not None:
            rows = [row for row in rows if int(row[0]) <= last_step]
        with replaced(self._path) as temporary, temporary.open("w", newline="") as new:
            csv.writer(new).writerows([self._columns, *rows])
        self._newest = int(rows[-1][0]) if rows else -1
        self._file = self._path.open("a", newline="")
        self._writer = csv.writer(self._file)


def read_csv(path: Path) -> dict[str, list[float]]:
    """Return a table's columns by name; empty cells are NaN, an absent file is an empty table.

    Raises:
        RunFolderError: it cannot be read.
    """
    names, *rows = _rows(path) or [[]]
    return {name: [float(row[index] or "nan") for row in rows] for index, name in enumerate(names)}


def _rows(path: Path) -> list[list[str]]:
    """Return the rows of a file, the header too; none if it is not there."""
    try:
        with path.open(newline="") as file:
            return list(csv.reader(file))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, csv.Error) as error:
        raise RunFolderError(
            f"{path} is damaged: {error}; move it away to continue without its rows"
        ) from error


def _fits(row: Sequence[str]) -> bool:
    """Return whether a row has a step and numbers behind it, as the header has not."""
    try:
        int(row[0])
        for cell in row[1:]:
            float(cell or "nan")
    except ValueError:
        return False
    return True


def _cell(value: Value) -> str:
    return str(int(value)) if isinstance(value, (bool, int)) else f"{value:.6g}"
