"""How far a fixed sequence that homes first gets in the cable cell: what one does who knows it.

Where nothing varies, the scripted expert plans from the window's upper right corner. The sequence
pushes into that corner and then repeats the plan, without image, pose or seed. The corner's place
differs by the window's offset, slots and post by their ranges. Physics only, a core.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import yaml

from mentor_common.tasks.task import find_task
from mentor_policy.training.evaluation import wilson_interval
from mentor_sim_bridge.twins.cable.config import CableConfig, load_cable_config
from mentor_sim_bridge.twins.cable.env import CableRoutingEnv
from mentor_sim_bridge.twins.cable.expert import CableExpert
from mentor_sim_bridge.twins.config_file import Spread

SEED = 33_000_000
"""Seed of the first episode; none of training, search or evaluation."""
CORNER = np.array([1.0, 1.0], np.float32)
HOMING = 10
"""Actions into the corner: from anywhere in the window."""


def without_ranges(config: CableConfig) -> CableConfig:
    """Return the cell in which slots and post stand where they are configured."""
    fixed = Spread()
    ranges = dataclasses.replace(config.scene_randomization, slot_1=fixed, slot_2=fixed, post=fixed)
    return dataclasses.replace(config, scene_randomization=ranges)


def plan(task: str, steps: int) -> list[np.ndarray]:
    """Return actions that home and fill both slots where nothing varies, `steps` of (2,)."""
    described = find_task(task)
    content = yaml.safe_load(Path(described.file).read_text())
    content["window_offset"] = {"x": [0.0, 0.0], "z": [0.0, 0.0]}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{task}.yaml"
        file.write_text(yaml.safe_dump(content))
        config = without_ranges(load_cable_config())
        env = CableRoutingEnv(config, images="blank", task=str(file))
    env.reset(seed=SEED - 1)
    actions = [CORNER] * HOMING
    for action in actions:
        env.step(action)
    expert = CableExpert(env.arm, env.simulator)
    success = False
    while len(actions) < steps:
        actions.append(expert.act())
        success = env.step(actions[-1])[4]["success"]
    env.close()
    if not success:
        raise SystemExit("the expert's plan fails where nothing varies: no sequence to try")
    return actions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="cable_routing")
    parser.add_argument("--episodes", type=int, default=50)
    arguments = parser.parse_args()
    actions = plan(arguments.task, find_task(arguments.task).episode.max_steps)
    env = CableRoutingEnv(images="blank", task=arguments.task)
    wins = 0
    for seed in range(SEED, SEED + arguments.episodes):
        env.reset(seed=seed)
        info = {}
        for action in actions:
            info = env.step(action)[4]
        wins += bool(info["success"])
    low, high = wilson_interval(wins, arguments.episodes)
    print(
        f"{arguments.task}: a fixed sequence that homes first succeeds in {wins} of "
        f"{arguments.episodes} episodes (95 %: {low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    main()
