"""A person calls the services of a launch from a shell without ros2cli."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import SetBool, Trigger

from mentor_bringup.call import CallError, choose_domain
from mentor_bringup.domain import claim_domain, claimed_domains


@pytest.fixture(scope="module")
def asked() -> Iterator[list[Any]]:
    """An arm's services in the namespace cell_a; yield what they were asked."""
    requests: list[Any] = []

    def hold(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        requests.append("hold")
        response.success, response.message = True, "the arm holds still"
        return response

    def armed(request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        requests.append(request.data)
        response.success, response.message = request.data, "armed" if request.data else "refused"
        return response

    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("arm", namespace="cell_a", context=context)
    node.create_service(Trigger, "hold", hold)
    node.create_service(SetBool, "armed", armed)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    yield requests
    executor.shutdown()
    thread.join()
    node.destroy_node()
    context.shutdown()


def call(*arguments: str) -> tuple[int, str]:
    """Call as a person does; return the exit status, and what is printed."""
    command = [sys.executable, "-m", "mentor_bringup.call", "--namespace", "cell_a", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_a_person_stops_and_arms_an_arm(asked: list[Any]) -> None:
    assert call("hold") == (0, "the arm holds still\n")
    assert call("armed", "true") == (0, "armed\n")
    assert call("armed", "false") == (1, "refused\n")
    assert list(dict.fromkeys(asked)) == ["hold", True, False]  # each may have been sent again


def test_what_nobody_serves_is_named_with_its_domain(asked: list[Any]) -> None:
    status, printed = call("held", "--timeout", "5")
    assert status == 2
    assert f"/cell_a/held in ROS domain {os.environ['ROS_DOMAIN_ID']}" in printed
    assert "did you mean 'hold'? known: armed true|false, hold;" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("foo bar",), "Invalid service name: "),
        (("hold", "--namespace", "cell a"), "Invalid namespace: "),
        (("hold", "--timeout", "nan"), "'nan' is not a number of seconds above 0"),
        (("recover", "true"), "recover takes no argument, 'true' was given"),
    ],
)
def test_what_cannot_be_called_is_named_without_a_traceback(
    arguments: tuple[str, ...], said: str
) -> None:
    status, printed = call(*arguments)
    assert status == 2 and said in printed and "Traceback" not in printed


def test_a_call_that_is_terminated_ends_without_a_traceback() -> None:
    command = [sys.executable, "-m", "mentor_bringup.call", "nobody_serves_this"]
    called = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    participant = f"/proc/{called.pid}/maps"
    until = time.monotonic() + 60.0
    while "fastdds_" not in Path(participant).read_text() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    called.terminate()
    assert called.communicate(timeout=60.0)[1] == "terminated\n" and called.returncode == 143


def test_the_domain_is_that_of_the_only_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = claim_domain()
    assert claim.number in claimed_domains()
    claim.release()
    assert claim.number not in claimed_domains()
    assert choose_domain() == int(os.environ["ROS_DOMAIN_ID"])
    monkeypatch.delenv("ROS_DOMAIN_ID")
    monkeypatch.setattr("mentor_bringup.call.claimed_domains", lambda: [64])
    assert choose_domain() == 64
    monkeypatch.setattr("mentor_bringup.call.claimed_domains", lambda: [12, 64])
    with pytest.raises(CallError, match="12, 64: set ROS_DOMAIN_ID"):
        choose_domain()
