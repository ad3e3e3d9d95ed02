"""The page's table of nodes stays small, whatever a stranger reports."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from mentor_recorder.monitor.cell_view import CellView
from mentor_recorder.monitor.node_table import LETTERS, ROWS, VALUES


def report(view: CellView, name: str, now: float, **fields: object) -> None:
    status = DiagnosticStatus(name=name, level=b"\x00", message="OK", **fields)
    view.on_diagnostics(DiagnosticArray(status=[status]), now)


def test_made_up_names_are_dropped_and_counted_in_one_line() -> None:
    view = CellView()
    report(view, "stacker", 0.0)
    for number in range(10_000):
        report(view, f"stranger {number}", 0.1)
    rows = view.state(0.2)["nodes"]
    assert len(rows) == ROWS + 1 and "stacker" in [row["name"] for row in rows]
    dropped = 10_001 - ROWS
    assert rows[-1]["level"] == 1 and rows[-1]["message"] == (
        f"{dropped} reports of names beyond these {ROWS} were dropped"
    )


def test_a_node_of_the_cell_takes_the_place_of_a_name_that_fell_silent() -> None:
    view = CellView()
    for second in range(3):
        report(view, "arm", float(second))  # then it dies: it is to stay, shown as silent
    for number in range(ROWS):
        report(view, f"stranger {number}", 3.0)
    report(view, "policy", 20.0)
    rows = {row["name"]: row for row in view.state(20.0)["nodes"]}
    assert rows["policy"]["message"] == "OK" and rows["arm"]["message"] == "silent for 18 s"
    assert len(rows) == ROWS + 1


def test_what_a_node_reports_is_shown_up_to_a_length() -> None:
    view = CellView()
    values = [KeyValue(key=f"{n}", value="x" * 10_000) for n in range(1000)]
    report(view, "n" * 10_000, 0.0, values=values)
    (row,) = view.state(0.0)["nodes"]
    assert len(row["name"]) == LETTERS and len(row["values"]) == VALUES
    assert all(len(value) <= LETTERS for value in row["values"].values())
