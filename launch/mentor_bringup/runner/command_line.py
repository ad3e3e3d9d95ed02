"""The runner's command line, that of ros2 launch: package, launch file, `name:=value`."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys

from mentor_bringup.domain import DomainClaim, DomainError, chosen_domain, claim_domain
from mentor_bringup.runner import modules
from mentor_bringup.runner.arguments import declared_arguments, describe_arguments, parse_arguments
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.include import load_launch_file
from mentor_bringup.runner.output import Screen
from mentor_bringup.runner.packages import package_prefix
from mentor_bringup.runner.refusal import LaunchRefused, unknown
from mentor_bringup.runner.service import LaunchService


def main(argv: list[str] | None = None) -> int:
    """Run a launch file; return the launch's exit status."""
    options = _parser().parse_args(argv)
    screen = Screen()
    try:
        if modules.real_launch_is_installed():
            return _hand_over(options, screen)
        modules.provide_stand_in()
        path, texts = _launch_file(options)
        description = load_launch_file(path)
        declared = declared_arguments(description)
        if options.show_args:
            print(describe_arguments(declared))
            return 0
        given = parse_arguments(texts, declared)
        screen.line(
            "[INFO] [launch]: mentor_bringup.runner, a small stand-in for `ros2 launch`: no ROS 2 "
            "distribution is sourced"
        )
        claim = _choose_domain(screen)
        context = LaunchContext(launch_configurations=dict(given), launch_file=path)
        status = LaunchService(context, screen).run(description)
        if claim is not None:
            claim.release()
        return status
    except (LaunchRefused, DomainError) as refusal:
        print(f"[ERROR] [launch]: {refusal}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mentor_bringup.runner",
        description="Run a launch file where no ROS 2 distribution is installed.",
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
    share = package_prefix(options.package_name) / "share" / options.package_name
    files = {path.name: path for path in sorted(share.rglob("*.launch.py"))}
    if options.launch_file_name not in files:
        raise unknown(
            f"package {options.package_name} has no launch file '{options.launch_file_name}'", files
        )
    return str(files[options.launch_file_name]), options.launch_arguments


def _choose_domain(screen: Screen) -> DomainClaim | None:
    """Set the ROS domain of all processes, and say which it is and how to join it."""
    claim = None
    reach = os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    number = chosen_domain()
    if number is None:
        claim = claim_domain()
        number = claim.number
        os.environ["ROS_DOMAIN_ID"] = str(number)
        why = "a free one"
    else:
        why = "as ROS_DOMAIN_ID says"
    screen.line(
        f"[INFO] [launch]: ROS domain {number}, {why}; to join from another shell: "
        f"export ROS_DOMAIN_ID={number} ROS_AUTOMATIC_DISCOVERY_RANGE={reach}"
    )
    return claim


def _hand_over(options: argparse.Namespace, screen: Screen) -> int:
    """Become the real ros2 launch, in a domain of one's own."""
    program = shutil.which("ros2")
    if program is None:
        raise LaunchRefused("launch is installed but ros2 is not on PATH; source the distribution")
    command = ["ros2", "launch", options.package_name]
    command += [options.launch_file_name] if options.launch_file_name else []
    command += options.launch_arguments
    if options.show_args:
        command.append("--show-args")
    else:
        claim = _choose_domain(screen)
        if claim is not None:
            claim.keep_across_exec()
    screen.line(f"[INFO] [launch]: {shlex.join(command)}")
    os.execv(program, command)
