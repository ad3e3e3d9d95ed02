"""Agent steps per second over the topics against in process, and two environments against one.

Both sides take turns in blocks of steps, and each is timed by the median of its blocks, so that
a machine that is busy with something else for a while slows both.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "39")

import gymnasium as gym
import numpy as np

from mentor_common.ros_env import RosEnv
from mentor_common.ros_vec_env import RosVecEnv
from mentor_sim_bridge.bridge.fleet import BridgeFleet

HOPPER = "mentor/dmc-hopper_hop-v0"
ASSEMBLY = "mentor/metaworld-assembly-v0"


def random_steps(env: gym.Env, seed: int = 0) -> Callable[[int], float]:
    """Returns a function that takes so many random steps and returns their seconds."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)

    def run(steps: int) -> float:
        actions = rng.uniform(-1, 1, (steps, *env.action_space.shape)).astype(np.float32)
        spent = 0.0
        for action in actions:
            begin = time.perf_counter()
            *_, terminated, truncated, _ = env.step(action)
            spent += time.perf_counter() - begin
            if terminated or truncated:
                env.reset()
        return spent

    return run


def take_turns(sides: dict[str, Callable[[int], float]], blocks: int, steps: int) -> dict:
    """Steps per second of each side: median over its blocks."""
    for run in sides.values():
        run(min(steps, 20))
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(blocks):
        for name, run in sides.items():
            spent[name].append(run(steps))
    return {name: steps / float(np.median(times)) for name, times in spent.items()}


def report(name: str, value: float, unit: str, ratio: float, against: str) -> None:
    """Prints one line of the benchmark's output."""
    line = {"name": name, "value": round(value, 3), "unit": unit, "ratio": round(ratio, 3)}
    print(json.dumps({**line, "against": against}), flush=True)


def topics_vs_inprocess(environment: str, label: str, blocks: int, steps: int) -> None:
    """One agent with random actions: over the topics, and in process."""
    with BridgeFleet(environment, 1, "/bench") as fleet:
        over_topics = RosEnv(fleet.namespaces[0])
        in_process = gym.make(environment)
        rates = take_turns(
            {"topics": random_steps(over_topics), "in process": random_steps(in_process)},
            blocks,
            steps,
        )
        over_topics.close()
    report(
        f"bridge/topics_vs_inprocess/{label}",
        rates["topics"],
        "agent steps/s",
        rates["topics"] / rates["in process"],
        f"in process: {rates['in process']:.0f} agent steps/s",
    )


def two_vs_one(environment: str, label: str, blocks: int, steps: int) -> None:
    """One agent, two environments in two processes, against one of them alone."""
    with BridgeFleet(environment, 2, "/bench") as fleet:
        vector = RosVecEnv(fleet.namespaces)
        vector.reset(seed=0)
        single = vector.envs[0]
        rng = np.random.default_rng(0)

        def both(count: int) -> float:
            actions = rng.uniform(-1, 1, (count, *vector.action_space.shape)).astype(np.float32)
            begin = time.perf_counter()
            for action in actions:
                vector.step(action)
            return time.perf_counter() - begin

        def one(count: int) -> float:
            actions = rng.uniform(-1, 1, (count, *single.action_space.shape)).astype(np.float32)
            spent = 0.0
            for action in actions:
                begin = time.perf_counter()
                *_, terminated, truncated, _ = single.step(action)
                spent += time.perf_counter() - begin
                if terminated or truncated:
                    single.reset()
            return spent

        spent: dict[str, list[float]] = {"both": [], "one": []}
        both(20)
        for _ in range(blocks):
            vector.reset()
            spent["both"].append(both(steps))
            single.reset()
            spent["one"].append(one(steps))
        vector.close()
    rate = 2 * steps / float(np.median(spent["both"]))
    alone = steps / float(np.median(spent["one"]))
    report(
        f"bridge/two_environments/{label}",
        rate,
        "agent steps/s",
        rate / alone,
        f"one environment: {alone:.0f} agent steps/s",
    )


def main() -> None:
    """Runs all, or those whose name holds a word of the command line."""
    wanted = sys.argv[1:]
    benches = {
        "topics/hopper": lambda: topics_vs_inprocess(HOPPER, "hopper_hop", 30, 60),
        "topics/assembly": lambda: topics_vs_inprocess(ASSEMBLY, "assembly", 10, 20),
        "two/hopper": lambda: two_vs_one(HOPPER, "hopper_hop", 10, 60),
        "two/assembly": lambda: two_vs_one(ASSEMBLY, "assembly", 8, 20),
    }
    for name, bench in benches.items():
        if not wanted or any(word in name for word in wanted):
            bench()


if __name__ == "__main__":
    main()
