"""A cell that runs for an hour needs no more at its end than early on: memory, its own and shared,
files, threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest
from node_process import nodes_of

SECONDS = float(os.environ.get("MENTOR_SOAK_SECONDS", "3600"))
"""Wall time of each run; shorter to try the test itself."""
SAMPLES = 60
SETTINGS = {
    "random": "train.replay_capacity=2000",
    "drqv2": "train.replay_capacity=2000 train.batch_size=16 train.seed_frames=200 "
    "agent.feature_dim=16 agent.hidden_dim=32",
}
"""By agent: those that learn have small networks, so that there are many steps."""


def usage(process: int) -> dict[str, int]:
    """Memory of its own and shared memory (kB), open files and threads of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return {
        "memory": int(fields["RssAnon"].split()[0]),
        "shared": int(fields["RssShmem"].split()[0]),
        "files": len(os.listdir(f"/proc/{process}/fd")),
        "threads": int(fields["Threads"]),
    }


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("agent", SETTINGS)
def test_a_cell_needs_no_more_at_the_end_than_early_on(agent: str, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    command = [
        sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup", "benchmark.launch.py",
        f"agent:={agent}", f"run_dir:={tmp_path / 'run'}", f"max_steps:={10**7}",
        f"overrides:={SETTINGS[agent]}",
    ]  # fmt: skip
    with log.open("w") as output:
        launch = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    samples: dict[str, list[dict[str, int]]] = {}
    try:
        for _ in range(SAMPLES):
            time.sleep(SECONDS / SAMPLES)
            assert launch.poll() is None, log.read_text()[-4000:]
            for name, process in nodes_of(launch.pid).items():
                samples.setdefault(name, []).append(usage(process))
    finally:
        launch.send_signal(signal.SIGINT)
        launch.wait(60)
    assert set(samples) == {"policy_node", "benchmark_bridge"}
    slack = {"memory": 40_000, "shared": 4_000, "files": 4, "threads": 4}
    for name, found in samples.items():
        for what, more in slack.items():
            early = median(sample[what] for sample in found[SAMPLES // 4 : SAMPLES // 2])
            late = median(sample[what] for sample in found[-SAMPLES // 6 :])
            assert late <= 1.05 * early + more, f"{what} of {name}: {early} early, {late} late"
