"""How often the sensors' reward equals the true one on the steps of trained policies.

Rolls out the final policy of each run without noise, in process, and compares at every step the
reward of the task's sensors (of the cable cell: its slot classifiers) with that of the ground
truth. The policies are those that people train, so the steps are those on which a reward that errs
would be exploited.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gymnasium
from trainings import write_csv

from mentor_policy.agents.base import Agent
from mentor_policy.training.checkpoint import read_checkpoint
from mentor_policy.training.environment import make_environment

SEED = 47_000_000
"""Seed of the first episode; apart from those of training and evaluation."""
COLUMNS = ("run", "episodes", "steps", "equal rewards", "true successes", "successes by sensors")


def compare(agent: Agent, env: gymnasium.Env, seeds: range) -> tuple[int, int, int, int]:
    """Return steps, those with equal rewards, true successes, and the sensors' successes.

    Args:
        agent: agent that acts, without exploration noise.
        env: whose reward is the sensors', with ``true_reward`` and ``true_success`` in ``info``.
        seeds: seeds of the episodes.
    """
    steps = equal = true = seen = 0
    for seed in seeds:
        observation, info = env.reset(seed=seed)
        over = False
        while not over:
            action, _ = agent.act_with_mean(observation, step=0, evaluate=True)
            observation, reward, terminated, truncated, info = env.step(action)
            steps += 1
            equal += float(reward) == info["true_reward"]
            over = terminated or truncated
        true += bool(info["true_success"])
        seen += bool(info["success"])
    return steps, equal, true, seen


def main() -> None:
    """Compare the rewards on each run's policy; write a CSV, and print the share of all steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, or checkpoints")
    parser.add_argument(
        "--env", default="mentor/cable_routing_classified-v0", help="whose reward is the sensors'"
    )
    parser.add_argument("--episodes", type=int, default=20, help="of each policy")
    parser.add_argument("--csv", type=Path, help="file to write")
    options = parser.parse_args()
    env = make_environment(options.env, {})
    seeds = range(SEED, SEED + options.episodes)
    rows: list[tuple[object, ...]] = []
    for run in options.runs:
        steps, equal, true, seen = compare(read_checkpoint(run).agent("cpu"), env, seeds)
        rows.append((run.name, options.episodes, steps, equal, true, seen))
        print(
            f"{run.name}: rewards equal on {100 * equal / steps:.2f} % of {steps} steps; "
            f"successes: {true} true, {seen} by the sensors"
        )
    env.close()
    if options.csv:
        write_csv(options.csv, COLUMNS, rows)
    share = sum(int(str(r[3])) for r in rows) / sum(int(str(r[2])) for r in rows)
    name = f"{options.env.removeprefix('mentor/').removesuffix('-v0')}/reward_agreement"
    print(
        json.dumps({"name": name, "value": share, "unit": "share", "ratio": None, "against": None})
    )


if __name__ == "__main__":
    main()
