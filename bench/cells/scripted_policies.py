"""How often the scripted expert, which sees the true state, and random actions succeed in a cell.

What a learner is measured against: the expert says whether the task can be solved within an
episode's steps, random actions whether it solves itself. Physics only, a core.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gymnasium
import numpy as np

from mentor_common.env.registration import register_environments
from mentor_policy.training.evaluation import wilson_interval

SEEDS = {"expert": 35_000_000, "random": 36_000_000}
"""Seeds of the first episode of each policy; none of training, search or evaluation."""


def play(env: gymnasium.Env, policy: str, seed: int) -> bool:
    """Return whether a policy, `expert` or `random`, succeeds in the episode of a seed."""
    env.reset(seed=seed)
    random = np.random.default_rng(seed)
    info, ended = {}, False
    while not ended:
        if policy == "expert":
            action = env.unwrapped.expert_action()
        else:
            action = random.uniform(-1.0, 1.0, env.action_space.shape).astype(np.float32)
        _, _, terminated, truncated, info = env.step(action)
        ended = terminated or truncated
    return bool(info["success"])


def main() -> None:
    """Play the episodes and print one line for each policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="mentor/cable_routing-v0", help="id of a twin's")
    parser.add_argument("--policies", nargs="+", choices=SEEDS, default=list(SEEDS))
    parser.add_argument("--episodes", type=int, default=100)
    options = parser.parse_args()
    register_environments()
    env = gymnasium.make(options.env, images="blank")
    for policy in options.policies:
        first = SEEDS[policy]
        wins = sum(play(env, policy, seed) for seed in range(first, first + options.episodes))
        low, high = wilson_interval(wins, options.episodes)
        print(
            f"{options.env}: {policy} succeeds in {wins} of {options.episodes} episodes "
            f"(95 %: {low:.2f} to {high:.2f})",
            flush=True,
        )
    env.close()


if __name__ == "__main__":
    main()
