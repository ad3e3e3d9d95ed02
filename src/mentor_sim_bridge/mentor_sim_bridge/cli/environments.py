"""The environments that commands name, and the policies that play them.

``python -m mentor_sim_bridge.cli.environments ID``: check an id, as the launch files do; status 2
and one line where there is no such environment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

PAPER = (
    "dmc-dog_stand",
    "dmc-dog_walk",
    "dmc-manipulator_bring_ball",
    "dmc-acrobot_swingup_sparse",
    "dmc-hopper_hop",
    "metaworld-assembly",
    "metaworld-disassemble",
    "metaworld-pick_place",
    "metaworld-coffee_push_sparse",
    "metaworld-soccer_sparse",
    "metaworld-hammer_sparse",
    "metaworld-mt5",
    "adroit-door",
    "adroit-hammer",
)
"""The paper's simulated tasks, hopper hop and MT5."""


def at_least(low: int, high: int = 2**63 - 1) -> Callable[[str], int]:
    """Return a type of argparse's options: a whole number from `low` on, up to `high`."""

    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} must be from {low} to {high}")
        return value

    return number


def add_episode_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that play episodes."""
    parser.add_argument("--policy", choices=("random", "scripted"), default="random")
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument(
        "--steps", type=at_least(0), default=0, help="stop after so many (default: never)"
    )
    parser.add_argument("--image-size", type=int, default=84, help="pixels (default 84)")
    parser.add_argument("--camera", help="another camera than the task's usual one")
    parser.add_argument("--stock", action="store_true", help="render as the suite does")


def known_ids() -> list[str]:
    """Return the ids of this stack's environments, sorted."""
    import gymnasium as gym

    from mentor_common.env.registration import register_environments

    register_environments()
    return sorted(name for name in gym.registry if name.startswith("mentor/"))


def full_id(name: str) -> str:
    """Return the id that a short name stands for: `dmc-hopper_hop` is `mentor/dmc-hopper_hop-v0`.

    Raises:
        ValueError: no such environment is registered; names the command that lists all.
    """
    import gymnasium as gym

    short = f"mentor/{name}-v0"
    found = short if short in known_ids() else name
    try:
        gym.spec(found)
    except gym.error.Error as error:
        reason = f"{error} (`python -m mentor_sim_bridge list` lists all)"
        raise ValueError(reason) from error
    return found


def make_with_policy(name: str, options: argparse.Namespace) -> tuple[Any, Any]:
    """Make an environment and the policy for it.

    Args:
        name: id or short name.
        options: see add_episode_options.

    Returns:
        The environment, and a function from observation to action.

    Raises:
        ValueError: it cannot be made, or has no scripted expert.
    """
    import gymnasium as gym

    from mentor_sim_bridge.benchmarks.any_gymnasium import make_pixel_env
    from mentor_sim_bridge.benchmarks.experts import ScriptedExpert, task_of

    name = full_id(name)
    task = task_of(name) if options.policy == "scripted" else None
    more: dict[str, Any] = {} if task is None else {"state": "full"}
    try:
        env = make_pixel_env(
            name, options.image_size, camera=options.camera, stock=options.stock, **more
        )
    except (gym.error.Error, TypeError) as error:
        raise ValueError(f"{name} cannot be made: {error}") from error
    if task is not None:
        expert = ScriptedExpert(task)
        return env, lambda observation: expert.act(observation["state"])
    if options.policy == "scripted":
        twin: Any = env
        if not hasattr(twin, "expert_action"):
            env.close()
            raise ValueError(
                f"{name} has no scripted expert; Meta-World's single tasks and the twins have"
            )
        return env, lambda _: twin.expert_action()
    space = env.action_space
    space.seed(options.seed)
    return env, lambda _: space.sample()


if __name__ == "__main__":
    try:
        full_id(sys.argv[1])
    except ValueError as refusal:
        print(" ".join(str(refusal).split()), file=sys.stderr)
        sys.exit(2)
