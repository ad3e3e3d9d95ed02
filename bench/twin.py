"""Speed of the cable routing cell in process, against the same cell with MuJoCo's stock settings.

Both sides take turns in blocks and are timed by the median of their blocks, so that a machine that
is busy with something else for a while slows both.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("LP_NUM_THREADS", "0")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import mujoco
import numpy as np

from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.cable.config import load_cable_config
from mentor_sim_bridge.twins.cable.env import CableRoutingEnv
from mentor_sim_bridge.twins.cable.scene import CAMERAS
from mentor_sim_bridge.twins.cable.simulator import CableSimulator

BLOCKS, STEPS, FRAMES = 5, 10, 3


def median_seconds(sides: dict[str, Callable[[], None]], blocks: int = BLOCKS) -> dict[str, float]:
    """Return the median processor seconds of a block of each side, in turns."""
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for run in sides.values():
        run()
    for _ in range(blocks):
        for name, run in sides.items():
            begin = time.process_time()
            run()
            spent[name].append(time.process_time() - begin)
    return {name: float(np.median(times)) for name, times in spent.items()}


def report(name: str, value: float, unit: str, ratio: float, against: str) -> None:
    """Print one line of the benchmark's output."""
    line = {"name": name, "value": round(value, 2), "unit": unit, "ratio": round(ratio, 2)}
    print(json.dumps({**line, "against": against}), flush=True)


def acting(env: CableRoutingEnv) -> Callable[[], None]:
    """Take STEPS random steps at a time; never past the end of an episode."""
    random = np.random.default_rng(0)
    left = 0

    def run() -> None:
        nonlocal left
        if left < STEPS:
            env.reset(seed=int(random.integers(1000)))
            left = env.task.episode.steps
        for _ in range(STEPS):
            env.step(random.uniform(-1, 1, 2).astype(np.float32))
        left -= STEPS

    return run


def drawing(render: Callable[[str], np.ndarray]) -> Callable[[], None]:
    """Draw FRAMES frames of each camera."""
    return lambda: [render(camera) for _ in range(FRAMES) for camera in CAMERAS] and None


def stock_solver(env: CableRoutingEnv) -> CableRoutingEnv:
    """Return the environment with an elliptic cone and MuJoCo's own form of the Jacobian."""
    load = env.simulator.load

    def stock(model: mujoco.MjModel) -> None:  # each episode compiles a scene of its own
        model.opt.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        model.opt.jacobian = mujoco.mjtJacobian.mjJAC_AUTO
        load(model)

    env.simulator.load = stock  # type: ignore[method-assign]
    return env


def stock_pictures(cell: CableSimulator) -> Callable[[str], np.ndarray]:
    """Return the same cell, drawn with multisampling, shadows and reflections."""
    quality = cell.model.vis.quality
    quality.offsamples, quality.shadowsize, quality.numslices, quality.numstacks = 4, 4096, 28, 16
    cell.model.light_castshadow[:] = 1
    renderer = mujoco.Renderer(cell.model, 168, 168)

    def render(camera: str) -> np.ndarray:
        renderer.update_scene(cell.data, camera)
        return renderer.render()

    return render


def main() -> None:
    """Print one JSON object a line."""
    ours, stock = CableRoutingEnv(), stock_solver(CableRoutingEnv())
    seconds = median_seconds({"ours": acting(ours), "stock": acting(stock)})
    rate = STEPS / seconds["ours"]
    against = "the same environment with an elliptic cone and MuJoCo's choice of Jacobian"
    report(
        "cable routing in process",
        rate,
        "steps per second of one core",
        seconds["stock"] / seconds["ours"],
        against,
    )

    cell, other = ours.simulator, CableSimulator(load_cable_config(), find_task("cable_routing"))
    for each in (cell, other):
        each.begin_episode(0, np.zeros(2))
    seconds = median_seconds(
        {"ours": drawing(cell.render), "stock": drawing(stock_pictures(other))}
    )
    frame = 1000 * seconds["ours"] / (FRAMES * len(cell.cameras))
    against = "the same frames with multisampling, shadows and reflections"
    report("cable routing frame", frame, "ms", seconds["stock"] / seconds["ours"], against)
    ours.close()
    stock.close()


if __name__ == "__main__":
    main()
