"""The runner around a distribution's launch service, here a small one that waits for SIGINT."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from running_launch import RunningLaunch

SERVICE = '''
import signal, socket
from types import SimpleNamespace as LaunchContext

class LaunchDescription:
    def __init__(self, entities):
        self.entities = entities

    def get_launch_arguments(self):
        return []

class LaunchService:
    """Reads signals as the real one does, and ends at SIGINT."""

    def __init__(self, **_):
        pass

    def include_launch_description(self, description):
        pass

    def run(self):
        self._signals, write_end = socket.socketpair()
        write_end.setblocking(False)
        signal.set_wakeup_fd(write_end.fileno())
        print("ready", flush=True)
        if {fails}:
            raise RuntimeError("no event loop")
        assert self._signals.recv(1)[0] == signal.SIGINT
        print("saved", flush=True)
        return 0
'''
MODULES = {
    "actions": "IncludeLaunchDescription RegisterEventHandler",
    "event_handlers": "OnProcessStart OnShutdown OnProcessExit",
    "launch_description_sources": "PythonLaunchDescriptionSource",
}


@pytest.fixture
def start(tmp_path: Path):
    """Starts the runner where such a launch service is installed."""

    def runner(fails: bool = False) -> RunningLaunch:
        package = tmp_path / "launch"
        package.mkdir()
        (package / "__init__.py").write_text(SERVICE.replace("{fails}", str(fails)))
        for module, names in MODULES.items():
            lines = ["from launch import LaunchDescription", "class Any:"]
            lines += ["    def __init__(self, *_, **__): pass"]
            lines += ["    def get_launch_description(self, _): return LaunchDescription([])"]
            lines += [f"{name} = Any" for name in names.split()]
            (package / f"{module}.py").write_text("\n".join(lines))
        file = tmp_path / "some.launch.py"
        file.touch()
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        return RunningLaunch(file, folder=tmp_path, env={"PYTHONPATH": path})

    return runner


@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_asks_the_launch_service_to_end_and_waits_for_it(start, number) -> None:
    launch = start()
    launch.wait_for("ready")
    assert launch.end(number) == 128 + number
    assert "saved" in launch.output


def test_a_launch_service_that_fails_says_why(start) -> None:
    launch = start(fails=True)
    assert launch.end() == 1
    assert "no event loop" in launch.output
