"""The check of a robot: what is wrong is one line, and nothing waits for ever."""

from __future__ import annotations

import io
import os
import platform
import resource
import socket
from pathlib import Path

import pytest

from mentor_arm import check
from mentor_arm.backends import fci
from mentor_arm.check import FCI_PORT, check_robot
from mentor_common.cell.report import Report

ADDRESS = "127.77.15.1"
CELL = f"name: mine\nrobot: {{address: {ADDRESS}, realtime: ignore}}\n"
BOUNDS = "bounds: {x: [0, 1], y: [-1, 1], z: [0, 1]}\n"


def findings(folder: Path, text: str, box: bool = False) -> list[str]:
    """Return the findings about a cell file; the box, if any, accepts and answers nothing."""
    (folder / "mine.yaml").write_text(text)
    printed = io.StringIO()
    server = socket.create_server((ADDRESS, FCI_PORT)) if box else None
    try:
        check_robot(str(folder / "mine.yaml"), "cable_routing", Report(printed))
    finally:
        if server is not None:
            server.close()
    return printed.getvalue().splitlines()


def test_a_box_that_another_client_holds_is_named_instead_of_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fci, "CONNECT_TIMEOUT", 0.3)
    lines = findings(tmp_path, CELL + BOUNDS, box=True)
    opened = [line for line in lines if f"a connection to {ADDRESS}:{FCI_PORT} opens" in line]
    assert len(opened) == 1 and "whether a control box answers is checked next" in opened[0]
    (wrong,) = (line for line in lines if ADDRESS in line and line.startswith("WRONG"))
    assert f"at {ADDRESS} does not answer for 0.3 s; is another client connected" in wrong


@pytest.mark.parametrize(
    ("bounds", "missing"),
    [("", "x, y, z"), ("bounds: {x: [0, 1], z: [0, 1]}\n", "y"), (BOUNDS, "")],
)
def test_axes_without_bounds_are_named(tmp_path: Path, bounds: str, missing: str) -> None:
    lines = findings(tmp_path, CELL + bounds)
    found = [line for line in lines if "has no bounds along" in line]
    if missing:
        (line,) = found
        assert line.startswith(f"WRONG  cell 'mine' has no bounds along {missing}: a mistake in")
        return
    assert not found and "right  the cell's bounds hold all of that" in lines


def test_a_kernel_that_is_not_real_time_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fci, "CONNECT_TIMEOUT", 0.3)
    monkeypatch.setattr(check, "_realtime_kernel", lambda: False)
    lines = findings(tmp_path, CELL.replace("ignore", "enforce") + BOUNDS, box=True)
    (line,) = (line for line in lines if "kernel" in line)
    assert line.startswith(f"WRONG  kernel {platform.release()} has no PREEMPT_RT: install one")
    assert any("does not answer" in line for line in lines), "the box is checked all the same"


@pytest.mark.parametrize(
    ("user", "most", "finding"),
    [
        (0, 0, "right  root may take any real-time priority"),
        (1000, 99, "right  this user may take real-time priority 99"),
        (1000, resource.RLIM_INFINITY, "right  this user may take real-time priority 99"),
        (
            1000,
            80,
            "WRONG  this user may take real-time priority 80, 99 is needed: put 'rtprio 99'",
        ),
    ],
)
def test_the_priority_that_is_asked_for_is_the_one_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, most: int, finding: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (most, most))
    lines = findings(tmp_path, CELL.replace("ignore", "enforce") + BOUNDS)
    (line,) = (line for line in lines if "real-time priority" in line)
    assert line.startswith(finding)


def test_a_cell_file_that_does_not_exist_is_one_finding() -> None:
    said = io.StringIO()
    report = Report(said)
    check_robot("nowhere.yaml", "cable_routing", report)
    (line,) = said.getvalue().splitlines()
    assert report.status == 1 and line.startswith("WRONG") and "nowhere.yaml" in line
