"""A table as a CSV file that only ever grows, and that a resumed run continues with."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from mentor_common.files.atomic import replaced

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
        rows: list[list[str]] = []
        if self._path.exists():
            with self._path.open(newline="") as old:
                rows = [r for r in csv.reader(old) if len(r) == len(self._columns)][1:]
        if last_step is not None:
            rows = [row for row in rows if int(row[0]) <= last_step]
        with replaced(self._path) as temporary, temporary.open("w", newline="") as new:
            csv.writer(new).writerows([self._columns, *rows])
        self._newest = int(rows[-1][0]) if rows else -1
        self._file = self._path.open("a", newline="")
        self._writer = csv.writer(self._file)


def read_csv(path: Path) -> dict[str, list[float]]:
    """Return a table's columns by name; empty cells are NaN, an absent file is an empty table."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    return {
        name: [float(row[index] or "nan") for row in rows[1:]] for index, name in enumerate(rows[0])
    }


def _cell(value: Value) -> str:
    return str(int(value)) if isinstance(value, (bool, int)) else f"{value:.6g}"
