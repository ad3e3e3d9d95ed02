"""The renderer of this package against each suite's own renderer and settings, at 84x84.

One agent step each: two simulator frames and one picture. Both sides take turns in blocks, each in
a process of its own, as the suites run with software OpenGL's usual threads (one per core).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("MUJOCO_GL", "egl")

import gymnasium as gym
import numpy as np

from mentor_common.env.registration import register_environments

register_environments()

TASKS = {
    "metaworld": "mentor/metaworld-assembly-v0",
    "dog": "mentor/dmc-dog_walk-v0",
    "hopper": "mentor/dmc-hopper_hop-v0",
    "adroit": "mentor/adroit-hammer-v0",
}
SECONDS = 4.0
BLOCKS = 5


def fast(env: Any) -> Callable[[], None]:
    """Return a step of this package's environment."""
    rng = np.random.default_rng(0)
    env.reset(seed=0)

    def step() -> None:
        action = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        *_, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()

    return step


def stock(env: Any) -> Callable[[], None]:
    """Return the same step, by the suite's own renderer and settings."""
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    draw = suites_own(env)

    def step() -> None:
        action = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        *_, ended, _ = env.advance(action)
        draw()
        if ended:
            env.reset()

    return step


def suites_own(env: Any) -> Callable[[], Any]:
    """Return what draws a picture in the suite of a task: dm_control's, or gymnasium's renderer."""
    suite = env.simulator._env
    if hasattr(suite, "physics"):
        return lambda: suite.physics.render(84, 84, camera_id=0)
    from gymnasium.envs.mujoco.mujoco_rendering import MujocoRenderer

    renderer = MujocoRenderer(
        suite.model, suite.data, None, 84, 84, camera_name=env.frame_layout.cameras[0]
    )
    return lambda: renderer.render("rgb_array")


def seconds_per_step(step: Callable[[], None], seconds: float) -> float:
    """Return the median over the steps that fit in so many seconds, at least five."""
    spent: list[float] = []
    while sum(spent) < seconds or len(spent) < 5:
        begin = time.perf_counter()
        step()
        spent.append(time.perf_counter() - begin)
    return float(np.median(spent))


def serve(side: str, name: str) -> None:
    """Run one side's process: a line on its input asks for a block."""
    if side == "fast":
        step = fast(gym.make(name).unwrapped)
    else:
        # Made with ``stock`` the model keeps its shadows and samples, for the suite's renderer.
        step = stock(gym.make(name, stock=True).unwrapped)
    seconds_per_step(step, 0.2)
    print("ready", flush=True)
    for line in sys.stdin:
        print(seconds_per_step(step, float(line)), flush=True)


def start(side: str, name: str) -> subprocess.Popen[str]:
    """Start a side's process and wait until it can draw."""
    threads = "0" if side == "fast" else str(os.cpu_count())
    child = subprocess.Popen(
        [sys.executable, __file__, "--side", side, name],
        env={**os.environ, "LP_NUM_THREADS": threads},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    while child.stdout.readline().strip() != "ready":
        if child.poll() is not None:
            raise RuntimeError(f"{name}: the process of side '{side}' ended early")
    return child


def ask(child: subprocess.Popen[str], seconds: float) -> float:
    """Return seconds per step of one block."""
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(f"{seconds}\n")
    child.stdin.flush()
    return float(child.stdout.readline())


def main() -> None:
    """Run all, or those whose name holds a word of the command line."""
    if sys.argv[1:2] == ["--side"]:
        serve(sys.argv[2], sys.argv[3])
        return
    for label, name in TASKS.items():
        if sys.argv[1:] and not any(word in label for word in sys.argv[1:]):
            continue
        children = {side: start(side, name) for side in ("fast", "stock")}
        times: dict[str, list[float]] = {side: [] for side in children}
        for _ in range(BLOCKS):
            for side, child in children.items():
                times[side].append(ask(child, SECONDS / 2 / BLOCKS))
        for child in children.values():
            assert child.stdin is not None
            child.stdin.close()
            child.wait()
        rate = {side: 1.0 / float(np.median(values)) for side, values in times.items()}
        line = {
            "name": f"render/{label}_fast_vs_stock",
            "value": round(rate["fast"], 1),
            "unit": "agent steps/s",
            "ratio": round(rate["fast"] / rate["stock"], 2),
            "against": f"the suite's own renderer and settings: {rate['stock']:.1f} agent steps/s",
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
