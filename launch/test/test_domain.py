"""Two launches on one machine do not receive each other."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from running_launch import RunningLaunch, launch_file, run

from mentor_bringup.domain import DOMAINS, DomainError, chosen_domain, claim_domain

SAY_DOMAIN = "echo $ROS_DOMAIN_ID $ROS_AUTOMATIC_DISCOVERY_RANGE; sleep 60"
DOMAIN = f'ExecuteProcess(cmd=["bash", "-c", "{SAY_DOMAIN}"], output="screen")'


def test_two_claims_are_never_the_same() -> None:
    claims = [claim_domain() for _ in range(20)]
    assert len({claim.number for claim in claims}) == 20
    for claim in claims:
        claim.release()


def test_a_claim_ends_with_its_process_even_after_kill_9() -> None:
    script = (
        "from mentor_bringup.domain import *\n"
        "claim = claim_domain([1, 2, 3])\n"
        "print(claim.number, flush=True)\n"
        "input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    number = int(process.stdout.readline())
    with pytest.raises(DomainError, match="none of 1 ROS domains is free"):
        claim_domain([number])
    process.send_signal(signal.SIGKILL)
    process.wait()
    claim_domain([number]).release()


def test_a_domain_in_which_somebody_else_speaks_is_not_free() -> None:
    import rclpy

    claim = claim_domain()
    claim.release()
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=claim.number)
    node = rclpy.create_node("stranger", context=context)
    with pytest.raises(DomainError):
        claim_domain([claim.number])
    node.destroy_node()
    context.shutdown()


def test_each_launch_has_a_domain_of_its_own_and_says_which(tmp_path: Path) -> None:
    path = launch_file(tmp_path, DOMAIN)
    launches = [RunningLaunch(path, folder=tmp_path) for _ in range(3)]
    domains = set()
    for launch in launches:
        launch.wait_for("[bash-1] ")
        said = re.search(
            r"ROS domain (\d+), a free one; to join from another shell: (.*)", launch.output
        )
        assert said is not None
        assert f"[bash-1] {said[1]} LOCALHOST" in launch.output
        assert said[2] == f"export ROS_DOMAIN_ID={said[1]} ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST"
        domains.add(int(said[1]))
    for launch in launches:
        launch.end(signal.SIGINT)
    assert len(domains) == 3
    assert domains <= set(DOMAINS)


def test_the_domain_that_the_user_chose_is_used(tmp_path: Path) -> None:
    env = {"ROS_DOMAIN_ID": "7", "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}
    launch = RunningLaunch(launch_file(tmp_path, DOMAIN), folder=tmp_path, env=env)
    launch.wait_for("[bash-1] 7 SUBNET")
    launch.end(signal.SIGINT)
    assert "ROS domain 7, from ROS_DOMAIN_ID" in launch.output


def test_a_domain_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = run(launch_file(tmp_path, DOMAIN), folder=tmp_path, env={"ROS_DOMAIN_ID": "x"})
    assert status == 1
    assert "ROS_DOMAIN_ID='x' is not a domain; it is a number from 0 to 232" in output
    monkeypatch.setitem(os.environ, "ROS_DOMAIN_ID", "300")
    with pytest.raises(DomainError):
        chosen_domain()
