"""A node whose launch is gone ends as on Ctrl-C, whoever launched it and however it ended."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from ament_index_python.packages import get_package_prefix
from node_process import eventually

from mentor_common.node.running import ENDS_WITH_LAUNCH


@pytest.mark.parametrize("early", [False, True])
def test_a_node_ends_cleanly_when_its_launch_is_gone(tmp_path: Path, early: bool) -> None:
    """`early`: the launch has ended before the node has read who started it."""
    program = Path(get_package_prefix("mentor_reset")) / "lib" / "mentor_reset" / "reset_node"
    log = tmp_path / "node.txt"
    log.touch()
    command = f"{ENDS_WITH_LAUNCH}=$$ {program} --ros-args -p task:=cable_routing"
    script = f"{command} >{log} 2>&1 & echo $!; {'' if early else 'wait'}"
    launch = subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE)
    assert launch.stdout is not None
    node = os.pidfd_open(int(launch.stdout.readline()))
    try:
        if not early:
            assert eventually(lambda: "waits: " in log.read_text()), log.read_text()
            launch.kill()
        launch.wait()
        assert eventually(lambda: _has_ended(node)), log.read_text()
        assert "the launch that started this node is gone" in log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        if not _has_ended(node):
            signal.pidfd_send_signal(node, signal.SIGKILL)
        os.close(node)


def _has_ended(process: int) -> bool:
    """Return whether the process of a pidfd has ended."""
    try:
        signal.pidfd_send_signal(process, 0)  # type: ignore[arg-type]
    except ProcessLookupError:
        return True
    return False
