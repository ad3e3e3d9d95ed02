"""The check of a robot: what is wrong is one line, and nothing waits for ever."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest

from mentor_arm.backends import fci
from mentor_arm.check import FCI_PORT, check_robot
from mentor_common.cell.report import Report


def test_a_box_that_another_client_holds_is_named_instead_of_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like such a box, this one accepts the connection and answers nothing."""
    monkeypatch.setattr(fci, "CONNECT_TIMEOUT", 0.3)
    address = "127.77.15.1"
    cell = tmp_path / "mine.yaml"
    cell.write_text(f"name: mine\nrobot: {{address: {address}, realtime: ignore}}\n")
    said = io.StringIO()
    report = Report(said)
    with socket.create_server((address, FCI_PORT)):
        check_robot(str(cell), "cable_routing", report)
    assert report.status == 1
    assert f"at {address} does not answer for 0.3 s; is another client connected" in said.getvalue()


def test_a_cell_file_that_does_not_exist_is_one_finding() -> None:
    said = io.StringIO()
    report = Report(said)
    check_robot("nowhere.yaml", "cable_routing", report)
    (line,) = said.getvalue().splitlines()
    assert report.status == 1 and line.startswith("WRONG") and "nowhere.yaml" in line
