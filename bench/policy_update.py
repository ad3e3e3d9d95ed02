"""Updates per agent against a straight reading of the paper, and the time of an action.

Batch 256, observations 9 x 84 x 84, 16 experts, top 4, a user's defaults. The sides of a ratio take
turns in one process; medians. The straight reading runs with malloc as glibc has it; the ratio
with the memory settings of ``mentor_policy`` is given beside it. Where there is a CUDA device,
updates are measured on it too, also replayed as a graph.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents import Agent, Batch, make_agent
from mentor_policy.agents.shape import Shape
from mentor_policy.config import load_config
from mentor_policy.device.cpu.malloc import default_memory, keep_freed_memory

sys.path.insert(0, str(Path(__file__).parent))
from plain.agent import PlainMentor

ROWS, ACTION_SIZE = 256, 6
LAYOUT = FrameLayout(("camera",), 3, 84, 84, True)
DORMANT_EVERY = 20
# Floating point operations of one update of MENTOR (16 experts, top 4), 2 per multiply and add
CONV = [2 * 9 * 9 * 32 * 41**2, *(2 * 9 * 32 * 32 * n**2 for n in (39, 37, 35))]
TRUNK, HEAD = 2 * 39200 * 50, 2 * (56 * 1024 + 1024**2)
EXPERTS = 2 * (50 * 1024 + 1024 * 256 + 4 * 2 * 1024 * 256)
ENCODER_FLOP = 4 * sum(CONV) - CONV[0]  # twice forward, once backward without the pixels' gradient
LINEAR_FLOP = 10 * TRUNK + 6 * 2 * HEAD + 4 * EXPERTS + 4 * HEAD
UPDATE_FLOP = ROWS * (ENCODER_FLOP + LINEAR_FLOP)


def batch() -> Batch:
    """Return pictures of coarse random patches, so that rows differ as those of a task do."""
    generator = torch.Generator().manual_seed(0)

    def pixels() -> torch.Tensor:
        coarse = torch.rand(ROWS, 9, 7, 7, generator=generator)
        fine = torch.nn.functional.interpolate(coarse, size=84, mode="bilinear") * 255
        return fine.to(torch.uint8).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)

    action = torch.rand(ROWS, ACTION_SIZE, generator=generator) * 2 - 1
    reward = torch.rand(ROWS, 1, generator=generator)
    return Batch(pixels(), pixels(), action, reward, torch.full((ROWS, 1), 0.97))


def agent(name: str, *overrides: str, device: str = "cpu") -> Agent:
    """Return an agent with a user's defaults."""
    config = load_config(name, "dmc", [f"train.device={device}", *overrides])
    return make_agent(config, Shape(LAYOUT, 0, ACTION_SIZE), 0)


def medians(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return milliseconds of each side; they take turns, round after round."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            begin = time.perf_counter()
            side()
            if number:  # the first round warms up
                times[name].append((time.perf_counter() - begin) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def updates(name: str, *overrides: str) -> Callable[[], object]:
    """Return the updates of an agent; the caller spreads dormant-ratio measurements evenly."""
    learner, data = agent(name, *overrides), batch()
    return lambda: learner.update(data, 5000)


def cuda_updates(name: str, *overrides: str) -> Callable[[], object]:
    """Return the updates of an agent on CUDA, each to its end, from a batch that is there."""
    learner = agent(name, *overrides, device="cuda")
    data = learner.to_device(batch())

    def side() -> None:
        learner.update(data, 5000)
        torch.cuda.synchronize()

    return side


def measure_cuda() -> None:
    """Measure updates on a CUDA device."""
    sides = {
        "mentor": cuda_updates("mentor"),
        "graph": cuda_updates("mentor", "agent.cuda_graph=true"),
        "drqv2": cuda_updates("drqv2"),
    }
    times = medians(sides, 50)
    mentor = times["mentor"]
    report("update/mentor_vs_drqv2_cuda", mentor, "ms", mentor / times["drqv2"], "drqv2")
    report("update/graph_vs_mentor_cuda", times["graph"], "ms", times["graph"] / mentor, "mentor")


def dormant_pass(experts: int) -> float:
    """Return milliseconds that measuring the dormant ratio adds to an update, over its interval."""
    override = f"agent.experts={experts}"
    always = updates("mentor", override, "agent.dormant_every=1")
    never = updates("mentor", override, "agent.dormant_every=1000000")
    never()  # an agent's first update measures
    times = medians({"always": always, "never": never}, 5)
    return max(0.0, times["always"] - times["never"]) / DORMANT_EVERY


def matmul_peak(dtype: torch.dtype) -> float:
    """Return the FLOP/s of the best of many square products."""
    size = 1024
    a, b = torch.rand(size, size).to(dtype), torch.rand(size, size).to(dtype)
    best = min(medians({"": lambda: a @ b}, 3)[""] for _ in range(10))
    return 2 * size**3 / (best / 1e3)


def report(
    name: str, value: float, unit: str, ratio: float | None = None, against: str = ""
) -> None:
    """Print one JSON object a line."""
    shown = None if ratio is None else round(ratio, 3)
    line = {"name": name, "value": round(value, 3), "unit": unit, "ratio": shown}
    print(json.dumps({**line, "against": against or None}), flush=True)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    torch.set_num_threads(parser.parse_args().threads)
    data = batch()
    never = "agent.dormant_every=1000000"
    dormant = dormant_pass(16)
    sixteen = updates("mentor", never)
    plain = PlainMentor(9, ACTION_SIZE)
    obs, next_obs = data.obs.contiguous(), data.next_obs.contiguous()

    def straight(prepare: Callable[[], bool]) -> Callable[[], object]:
        def run() -> None:
            plain.update(obs, data.action, data.reward, data.discount, next_obs)

        def side() -> None:
            prepare()
            run()
            keep_freed_memory()

        return side

    times = medians(
        {"mentor": sixteen, "plain": straight(default_memory), "kept": straight(lambda: True)}, 3
    )
    mentor = times["mentor"] + dormant
    report("update/mentor_vs_plain", mentor, "ms", times["plain"] / mentor, "plain")
    report("update/mentor_vs_plain_kept_memory", mentor, "ms", times["kept"] / mentor, "plain")
    times = medians({"mentor": sixteen, "drqv2": updates("drqv2")}, 7)
    mentor = times["mentor"] + dormant
    report("update/mentor_vs_drqv2", mentor, "ms", mentor / times["drqv2"], "drqv2")
    times = medians({"16": sixteen, "64": updates("mentor", never, "agent.experts=64")}, 7)
    ratio = (times["64"] + dormant_pass(64)) / (times["16"] + dormant)
    report("update/experts_64_vs_16", times["64"], "ms", ratio, "16 experts")
    peak = max(matmul_peak(torch.float32), matmul_peak(torch.bfloat16))
    share = UPDATE_FLOP / (mentor / 1e3) / peak
    report("update/mentor_share_of_peak", share, "of measured matmul peak", share, "peak")
    report("update/matmul_peak", peak / 1e9, "GFLOP/s")
    actor, picture = agent("mentor"), np.ascontiguousarray(data.obs[0].numpy())
    acting = medians({"act": lambda: actor.act(picture, step=5000, evaluate=False)}, 100)["act"]
    report("act", acting, "ms")
    if torch.cuda.is_available():
        measure_cuda()


if __name__ == "__main__":
    main()
