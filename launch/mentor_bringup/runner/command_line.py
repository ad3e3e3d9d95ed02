"""The command line: that of `ros2 launch`, as far as a launch file needs it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from mentor_bringup.domain import DomainClaim, DomainError, chosen_domain, claim_domain
from mentor_bringup.runner import modules, real
from mentor_bringup.runner.arguments import describe_arguments, parse_arguments
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.include import load_launch_file
from mentor_bringup.runner.output import Screen
from mentor_bringup.runner.packages import package_prefix
from mentor_bringup.runner.parameters import check_parameter_file
from mentor_bringup.runner.refusal import LaunchRefused, unknown
from mentor_bringup.runner.service import LaunchService


def main(argv: list[str] | None = None) -> int:
    """Run a launch file; return the launch's exit status."""
    options = _parser().parse_intermixed_args(argv)
    is_real = modules.real_launch_is_installed()
    if not is_real:
        modules.provide_stand_in()
    try:
        path, texts = _launch_file(options)
        description: Any = real.load_launch_file(path) if is_real else load_launch_file(path)
        declared = description.get_launch_arguments()
        if options.show_args:
            print(describe_arguments(declared))
            return 0
        given = parse_arguments(texts, [argument.name for argument in declared])
        if "params_file" in given:
            check_parameter_file(given["params_file"])
        claim = _choose_domain(Screen(), is_real)
        status = real.run(path, given) if is_real else _run(description, given)
        if claim is not None:
            claim.release()
        return status
    except (LaunchRefused, DomainError) as refusal:
        print(f"[ERROR] [launch]: {refusal}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mentor_bringup.runner",
        description="Run a launch file, also where no ROS 2 distribution is installed.",
    )
    parser.add_argument(
        "-s", "--show-args", "--show-arguments", action="store_true", help="list the arguments"
    )
    parser.add_argument("package_name", help="package that has the launch file, or a file's path")
    parser.add_argument("launch_file_name", nargs="?", help="name of the launch file")
    parser.add_argument("launch_arguments", nargs="*", help="<name>:=<value>; the last one counts")
    return parser


def _launch_file(options: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the launch file's path and the launch arguments."""
    if os.path.isfile(options.package_name):
        first = [options.launch_file_name] if options.launch_file_name else []
        return options.package_name, first + options.launch_arguments
    if options.package_name.endswith(".py"):
        raise LaunchRefused(f"launch file {options.package_name} does not exist")
    share = package_prefix(options.package_name) / "share" / options.package_name
    files = {path.name: path for path in sorted(share.rglob("*.launch.py"))}
    whole = sorted(name for name, path in files.items() if path.parent.name != "parts")
    if options.launch_file_name is None:
        raise LaunchRefused(
            f"name a launch file of package {options.package_name}: {', '.join(whole)}"
        )
    if options.launch_file_name not in files:
        raise unknown(
            f"package {options.package_name} has no launch file '{options.launch_file_name}'", whole
        )
    return str(files[options.launch_file_name]), options.launch_arguments


def _run(description: Any, given: dict[str, str]) -> int:
    """Run a launch description by the stand-in."""
    argv = [f"{name}:={value}" for name, value in given.items()]
    context = LaunchContext(launch_configurations=dict(given), argv=argv)
    return LaunchService(context, Screen()).run(description)


def _choose_domain(screen: Screen, is_real: bool) -> DomainClaim | None:
    """Set the ROS domain of all processes; log who launches, and how to join the domain."""
    claim = None
    reach = os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    number = chosen_domain()
    if number is None:
        claim = claim_domain()
        number = claim.number
        os.environ["ROS_DOMAIN_ID"] = str(number)
        why = "a free one"
    else:
        why = "from ROS_DOMAIN_ID"
    who = (
        "the launch service of the ROS 2 distribution"
        if is_real
        else "a small stand-in for `ros2 launch`: no ROS 2 distribution is sourced"
    )
    screen.line(f"[INFO] [launch]: mentor_bringup.runner, {who}")
    screen.line(
        f"[INFO] [launch]: ROS domain {number}, {why}; to join from another shell: "
        f"export ROS_DOMAIN_ID={number} ROS_AUTOMATIC_DISCOVERY_RANGE={reach}"
    )
    return claim
