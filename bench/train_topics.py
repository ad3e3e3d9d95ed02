"""Steps per second of a training over the topics, against the same training in process.

The whole cable routing cell (twin, stacker, reward and reset node, a process each) on the one
side, the same cell in this process on the other. Both learn with all defaults of MENTOR on the
robot, first asynchronously, as `make launch` trains, then synchronously. They take turns of a few
steps with all their updates, so that a host which is slow for a while slows both; whole episodes
are counted, resets included.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "69")
os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("LP_NUM_THREADS", "0")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the policy node has it

import gymnasium

from mentor_common.env.ros_env import RosEnv
from mentor_policy.config import load_config
from mentor_policy.training.environment import shape_of
from mentor_policy.training.line_progress import LineProgress
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.trainer import Trainer

EPISODE, EPISODES, TURN = 40, 4, 10
NODES = (
    ("mentor_sim_bridge.nodes.twin_node", []),
    ("mentor_camera.nodes.stacker_node", ["-p", "image_reliability:=reliable"]),
    ("mentor_reward.nodes.reward_node", ["-p", "states:=ground_truth"]),
    ("mentor_reset.nodes.reset_node", []),
)
SETTINGS = [
    "train.seed_frames=20",
    "train.eval_every_frames=0",
    "train.checkpoint_every_frames=1000000",
]


@contextlib.contextmanager
def cell(namespace: str) -> Iterator[None]:
    """Return the cell's nodes, as the launch file starts them."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    processes = []
    for module, parameters in NODES:
        program = f"from {module} import main; main()"
        command = [sys.executable, "-c", program, "--ros-args", "-r", f"__ns:={namespace}"]
        command += ["-r", "/clock:=clock", "-p", "use_sim_time:=true", "-p", "task:=cable_routing"]
        command += parameters
        processes.append(
            subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Side:
    """A training that is taken forward a few steps at a time."""

    def __init__(self, env: Any, folder: Path, asynchronous: bool) -> None:
        mode = f"train.asynchronous={str(asynchronous).lower()}"
        config = load_config("mentor", "cable_routing", [*SETTINGS, mode])
        environment = {"id": folder.name, "arguments": {}}
        run = RunFolder(folder, config, environment, shape_of(env))
        silent = LineProgress(lambda _: None, 3600.0)
        self.trainer = Trainer(env, run, progress=silent)

    def steps(self, count: int) -> float:
        """Take so many steps with their updates, resets included; return the seconds."""
        begin = time.perf_counter()
        self.trainer.advance(self.trainer.run.steps + count)
        self.trainer.drain()
        return time.perf_counter() - begin

    def close(self) -> None:
        """End the learner."""
        self.trainer.close()


def compare(name: str, asynchronous: bool) -> None:
    """Run both sides in turns and print the result."""
    with tempfile.TemporaryDirectory() as folder, cell("/bench"):
        over_topics = RosEnv("/bench", timeout=60.0, reset_timeout=120.0, use_sim_time=True)
        in_process = gymnasium.make("mentor/cable_routing-v0", disable_env_checker=True)
        sides = {
            "topics": Side(over_topics, Path(folder) / "topics", asynchronous),
            "process": Side(in_process, Path(folder) / "process", asynchronous),
        }
        spent = dict.fromkeys(sides, 0.0)
        for side in sides.values():
            side.steps(EPISODE)
        for _ in range(EPISODES * EPISODE // TURN):
            for place, side in sides.items():
                spent[place] += side.steps(TURN)
        for side in sides.values():
            side.close()
        over_topics.close()
        in_process.close()
    rates = {place: EPISODES * EPISODE / seconds for place, seconds in spent.items()}
    line = {
        "name": name,
        "value": round(rates["topics"], 3),
        "unit": "steps/s",
        "ratio": round(rates["topics"] / rates["process"], 3),
        "against": f"in process: {rates['process']:.2f} steps/s",
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    """Measure both ways to train."""
    compare("train/topics_vs_inprocess", asynchronous=True)
    compare("train/topics_vs_inprocess_lockstep", asynchronous=False)


if __name__ == "__main__":
    main()
