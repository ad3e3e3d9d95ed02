"""The package's commands: which environments there are, what they look like, how they play."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

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


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (ValueError, OSError) as error:
        print(f"mentor_sim_bridge {options.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mentor_sim_bridge", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    listing = commands.add_parser("list", help="print the ids of all environments, one a line")
    listing.add_argument("--paper", action="store_true", help="only the paper's tasks")
    listing.add_argument("word", nargs="*", help="only ids that hold all these words")
    listing.set_defaults(run=_list)

    show = commands.add_parser("show", help="draw a contact sheet of an episode")
    show.add_argument("id", nargs="+", help="gymnasium id; or 'paper' for all of the paper's")
    show.add_argument("--out", type=Path, required=True, metavar="PNG")
    show.add_argument("--columns", type=int, default=6, help="frames of the episode (default 6)")
    show.add_argument("--across", type=int, default=1, help="episodes side by side (default 1)")
    show.add_argument("--colours", type=int, default=0, help="palette of so many colours")
    _episode_options(show)
    show.set_defaults(run=_show)

    play = commands.add_parser("play", help="play episodes, and write them as a video")
    play.add_argument("id")
    play.add_argument("--video", type=Path, metavar="MP4")
    play.add_argument("--episodes", type=int, default=1)
    _episode_options(play)
    play.set_defaults(run=_play)

    bridge = commands.add_parser(
        "bridge", help="put an environment behind the topics, or several under a namespace each"
    )
    bridge.add_argument("id")
    bridge.add_argument("--count", type=int, default=1, help="processes (default 1)")
    bridge.add_argument(
        "--namespace", default="/sim", help="they become NAMESPACE_0, NAMESPACE_1 ... (/sim)"
    )
    bridge.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the node"
    )
    bridge.set_defaults(run=_bridge)
    return parser


def _episode_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", choices=("random", "scripted"), default="random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=0, help="stop after so many (default: never)")
    parser.add_argument("--image-size", type=int, default=84, help="pixels (default 84)")
    parser.add_argument("--camera", help="another camera than the task's usual one")
    parser.add_argument("--stock", action="store_true", help="draw the suite's own look")


def _full_id(name: str) -> str:
    """`dmc-hopper_hop` is short for `mentor/dmc-hopper_hop-v0`."""
    import gymnasium as gym

    short = f"mentor/{name}-v0"
    return short if name not in gym.registry and short in gym.registry else name


def _list(options: argparse.Namespace) -> None:
    import gymnasium as gym

    from mentor_common.env.registration import register_environments

    register_environments()
    for name in sorted(name for name in gym.registry if name.startswith("mentor/")):
        short = name.removeprefix("mentor/").removesuffix("-v0")
        if options.paper and short not in PAPER:
            continue
        if all(word in name for word in options.word):
            print(name)


def _make(name: str, options: argparse.Namespace) -> tuple[Any, Any]:
    """The environment and the policy that is asked for."""
    import gymnasium as gym

    from mentor_common.env.registration import register_environments
    from mentor_sim_bridge.benchmarks.any_gymnasium import make_pixel_env
    from mentor_sim_bridge.benchmarks.experts import ScriptedExpert, task_of

    register_environments()
    name = _full_id(name)
    more: dict[str, Any] = {}
    if options.policy == "scripted":
        task = task_of(name)
        if task is None:
            raise ValueError(f"{name} has no scripted expert; only Meta-World's single tasks have")
        expert = ScriptedExpert(task)
        more["state"] = "full"
    try:
        env = make_pixel_env(
            name, options.image_size, camera=options.camera, stock=options.stock, **more
        )
    except (gym.error.Error, TypeError) as error:
        raise ValueError(f"{name} cannot be made: {error}") from error
    if options.policy == "scripted":
        return env, lambda observation: expert.act(observation["state"])
    space = env.action_space
    space.seed(options.seed)
    return env, lambda _: space.sample()


def _show(options: argparse.Namespace) -> None:
    from mentor_sim_bridge import contact_sheet

    names = list(PAPER) if options.id == ["paper"] else options.id
    rows = []
    for name in names:
        env, policy = _make(name, options)
        frames, total, success = contact_sheet.episode_frames(
            env, policy, options.seed, options.steps
        )
        env.close()
        print(f"{name}: {len(frames) - 1} steps, return {total:.3f}, success {success}")
        rows.append(contact_sheet.row(name, frames, options.columns))
    contact_sheet.save(contact_sheet.sheet(rows, options.across), options.out, options.colours)


def _bridge(options: argparse.Namespace) -> int:
    import gymnasium as gym

    from mentor_common.env.registration import register_environments
    from mentor_sim_bridge.bridge.fleet import BridgeFleet

    register_environments()
    parameters: dict[str, Any] = {}
    for item in options.set:
        name, equals, text = item.partition("=")
        if not equals:
            raise ValueError(f"--set {item}: must be NAME=VALUE")
        try:
            parameters[name] = json.loads(text)
        except ValueError:
            parameters[name] = text
    name = _full_id(options.id)
    try:
        gym.spec(name)
    except gym.error.Error as error:
        raise ValueError(str(error)) from error
    with BridgeFleet(name, options.count, options.namespace, parameters) as fleet:
        print("\n".join(fleet.namespaces), flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            # They live and die together: an agent in step with all cannot go on with some.
            return fleet.wait()
        except KeyboardInterrupt:
            for number in (signal.SIGINT, signal.SIGTERM):  # once is enough to end all
                signal.signal(number, signal.SIG_IGN)
            return 0


def _play(options: argparse.Namespace) -> None:
    from mentor_sim_bridge import contact_sheet

    env, policy = _make(options.id, options)
    frames = []
    returns, successes = [], []
    for episode in range(options.episodes):
        shown, total, success = contact_sheet.episode_frames(
            env, policy, options.seed + episode, options.steps
        )
        frames += shown
        returns.append(total)
        successes.append(success)
        result = {"episode": episode, "steps": len(shown) - 1, "return": total, "success": success}
        print(json.dumps(result), flush=True)
    if options.video:
        import imageio.v2 as imageio

        fps = max(1, round(1 / env.unwrapped.period))
        options.video.parent.mkdir(parents=True, exist_ok=True)
        size = max(1, 336 // frames[0].shape[0])
        writer: Any
        with imageio.get_writer(options.video, fps=fps, macro_block_size=1) as writer:
            for frame in frames:
                writer.append_data(np.kron(frame, np.ones((size, size, 1), np.uint8)))
    env.close()
