"""Nodes of this package in processes of their own, over real DDS, with networks of a toy's size."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cell_process import end_gently
from forked import ForkedProcess

HERE = Path(__file__).parent
COMMON = Path(__file__).parents[2] / "mentor_common" / "test"
TOY = (
    "agent.hidden_dim=32 agent.feature_dim=16 agent.expert_dim=16 agent.experts=4 agent.top_k=2 "
    "agent.explore_steps=40 agent.precision=float32 train.batch_size=8 train.seed_frames=80 "
    "train.replay_capacity=20000 train.eval_episodes=2 train.eval_every_frames=0 train.video=false"
)
"""Overrides that make an agent learn in milliseconds."""


class NodeProcess:
    """A node in a process of its own, by the module whose ``main`` runs it; a context manager.

    Args:
        module: module of the node.
        namespace: namespace of the cell.
        around: words before the command, such as ``ip netns exec NAME``.
        variables: further environment variables.
        ros_args: further words after ``--ros-args``.
        parameters: parameters of the node.
    """

    def __init__(
        self,
        module: str,
        namespace: str,
        *,
        around: Sequence[str] = (),
        variables: dict[str, str] | None = None,
        ros_args: Sequence[str] = (),
        **parameters: Any,
    ) -> None:
        arguments = ["--ros-args", "-r", f"__ns:={namespace}", *ros_args]
        for name, value in parameters.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            quoted = f"'{text}'" if isinstance(value, (str, Path)) else text
            arguments += ["-p", f"{name}:={quoted}"]
        self._around = bool(around)
        paths = [str(HERE), str(COMMON)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **(variables or {})}
        self._log = tempfile.NamedTemporaryFile("w+")  # noqa: SIM115
        self.process: subprocess.Popen[bytes] | ForkedProcess
        if around:
            program = f"from {module} import main; main()"
            environment["PYTHONPATH"] = os.pathsep.join([*paths, environment.get("PYTHONPATH", "")])
            command = [*around, sys.executable, "-c", program, *arguments]
            self.process = subprocess.Popen(
                command, stdout=self._log, stderr=subprocess.STDOUT, env=environment
            )
        else:
            log = Path(self._log.name)
            self.process = ForkedProcess(module, arguments, log, environment, paths)

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self._around:  # those around it would keep the signal
            self.kill()
        end_gently(self.process)
        self._log.close()

    def kill(self) -> None:
        """kill -9."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def end(self, number: signal.Signals = signal.SIGINT, seconds: float = 60.0) -> int:
        """Send a signal, and give the exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def ends(self, seconds: float = 120.0) -> int:
        """Wait for the end, and give the exit status."""
        return self.process.wait(seconds)

    @property
    def output(self) -> str:
        """What it has said so far."""
        self._log.seek(0)
        return self._log.read()

    def says(self, text: str, seconds: float = 120.0) -> bool:
        """Wait until the output holds the text."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if text in self.output:
                return True
            if self.process.poll() is not None:
                return text in self.output
            time.sleep(0.1)
        return False


class PolicyProcess(NodeProcess):
    """``policy``, ``actor`` or ``learner`` node; ``overrides`` come after those of ``toy``."""

    def __init__(self, node: str, namespace: str, *, toy: str = TOY, **parameters: Any) -> None:
        parameters = {"preset": "dmc", "threads": 1, **parameters}
        parameters["overrides"] = f"{toy} {parameters.get('overrides', '')}".strip()
        super().__init__(f"mentor_policy.nodes.{node}_node", namespace, **parameters)


def toy_cell(namespace: str, **parameters: Any) -> NodeProcess:
    """A cell whose environment is ``toy_bridge.py``."""
    return NodeProcess("toy_bridge", namespace, **parameters)
