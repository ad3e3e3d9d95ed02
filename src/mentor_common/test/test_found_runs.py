"""An error about a run or a bag that does not exist names those that there are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mentor_common.files.found_runs import MOST, in_runs


def test_the_newest_are_named_first_and_not_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(MOST + 2):
        run = Path("runs", "cable_routing", f"mentor-{number}")
        for step in (1, 2):
            file = run / "checkpoints" / f"s_{step}" / "checkpoint.json"
            file.parent.mkdir(parents=True)
            file.touch()
            os.utime(file, (0, 100 * number + step))
    names = ", ".join(f"runs/cable_routing/mentor-{number}" for number in range(MOST + 1, 1, -1))
    assert in_runs("checkpoints") == f"runs/ has checkpoints in: {names} and 2 more"


def test_a_bag_is_named_by_its_folder_also_in_a_run_below_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert in_runs("bags") == "runs/ has no bags"
    file = Path("runs", "guided", "bags", "b", "b_0.mcap")
    file.parent.mkdir(parents=True)
    file.touch()
    assert in_runs("bags") == "runs/ has bags in: runs/guided/bags/b"
