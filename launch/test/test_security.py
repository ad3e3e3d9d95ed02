"""The SROS2 policies permit what the nodes of a cell do; `make security` makes files of them."""

from __future__ import annotations

import fnmatch
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from lxml import etree
from rclpy.node import Node
from running_launch import RunningLaunch

from mentor_bringup.domain import claim_domain
from mentor_bringup.security import main, policies, write_policies

ACTION = "/_action/"
Profile = dict[str, set[str]]
PERMISSIONS = {
    "topics": ("publish", "subscribe"),
    "services": ("reply", "request"),
    "actions": ("execute", "call"),
}


def permissions(policy: Path) -> dict[str, Profile]:
    """Return what each enclave may do: patterns of full names by kind."""
    document = etree.parse(str(policy))
    document.xinclude()
    enclaves: dict[str, Profile] = {}
    for enclave in document.iterfind("enclaves/enclave"):
        (profile,) = enclave.iterfind("profiles/profile")
        space = profile.get("ns").rstrip("/")
        own = f"{space}/{profile.get('node')}"
        allowed: Profile = {kind: set() for kinds in PERMISSIONS.values() for kind in kinds}
        for group in profile.iterchildren(*PERMISSIONS):
            for kind in set(PERMISSIONS[group.tag]) & set(group.keys()):
                assert group.get(kind) == "ALLOW"
                for item in group:
                    name = item.text
                    full = name if name[0] == "/" else f"{space}/{name}"
                    allowed[kind].add(own + name[1:] if name[0] == "~" else full)
        enclaves[enclave.get("path")] = allowed
    return enclaves


def used(node: Node, name: str, space: str) -> Iterator[tuple[str, str]]:
    """Yield what a node of the graph does: kind and full name."""
    ends = {
        "publish": (node.get_publisher_names_and_types_by_node, "execute"),
        "subscribe": (node.get_subscriber_names_and_types_by_node, "call"),
        "reply": (node.get_service_names_and_types_by_node, "execute"),
        "request": (node.get_client_names_and_types_by_node, "call"),
    }
    for kind, (find, action) in ends.items():
        for full, _ in find(name, space):
            yield (action, full.partition(ACTION)[0]) if ACTION in full else (kind, full)


def enclave_of(name: str) -> str:
    """Return the enclave of a node: that of all cameras, or its own."""
    return "camera" if name.startswith("camera_") else name


def missing(node: Node, enclaves: dict[str, Profile], actor: str) -> tuple[set[str], list[str]]:
    """Return which nodes are there, and what they do without permission.

    Args:
        node: that reads the graph.
        enclaves: what each may do.
        actor: whose process has a RosEnv.
    """
    seen, lacking = set(), []
    for name, space in node.get_node_names_and_namespaces():
        if name == node.get_name():
            continue
        own = actor if name.startswith("_ros_env_") else enclave_of(name)
        seen.add(own)
        allowed = enclaves[f"/mentor{space.rstrip('/')}/{own}"]
        for kind, full in used(node, name, space):
            if not any(fnmatch.fnmatchcase(full, pattern) for pattern in allowed[kind]):
                lacking.append(f"{own}: {kind} {full}")
    return seen, lacking


CELLS = {
    "twin": (
        ["cable_routing.launch.py agent:=random monitor:=true scene:=true record:=full"],
        "policy",
        "policy twin stacker reward reset recorder monitor scene",
    ),
    "two machines": (
        ["benchmark.launch.py learner:=elsewhere", "learner.launch.py"],
        "actor",
        "actor learner benchmark_bridge",
    ),
    "fci": (
        ["cable_routing.launch.py agent:=random robot:=fci rehearsal:=true"],
        "policy",
        "policy rehearsal arm camera stacker reward reset recorder",
    ),
    "ros2_control": (
        ["cable_routing.launch.py agent:=random robot:=ros2_control rehearsal:=true"],
        "policy",
        "policy rehearsal arm camera stacker reward reset recorder",
    ),
    "golf": (
        ["tabletop_golf.launch.py agent:=random states:=ground_truth"],
        "policy",
        "policy twin stacker reward reset",
    ),
    "peg": (
        ["peg_insertion.launch.py agent:=random"],
        "policy",
        "policy twin stacker reward reset",
    ),
}
SHORT = ("twin", "two machines")


@pytest.mark.parametrize(
    "cell",
    [name if name in SHORT else pytest.param(name, marks=pytest.mark.soak) for name in CELLS],
)
def test_each_node_has_permission_for_all_that_it_does(tmp_path: Path, cell: str) -> None:
    launches, actor, nodes = CELLS[cell]
    enclaves = permissions(write_policies(tmp_path, "/safe"))
    claim = claim_domain()
    running = [
        RunningLaunch(
            "mentor_bringup",
            *text.split(),
            "namespace:=safe",
            f"run_dir:={tmp_path}/run_{number}",
            folder=tmp_path,
            env={"ROS_DOMAIN_ID": str(claim.number)},
        )
        for number, text in enumerate(launches)
    ]
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=claim.number)
    node = Node("graph_reader", context=context)
    seen: set[str] = set()
    lacking: list[str] = []
    until = time.monotonic() + 90.0
    try:
        # The reward is the last to come: the whole cell works.
        while not (set(nodes.split()) <= seen and node.count_publishers("/safe/reward")):
            assert time.monotonic() < until, f"{seen}: {[launch.output for launch in running]}"
            time.sleep(0.5)
            seen, lacking = missing(node, enclaves, actor)
        time.sleep(2.0)
        assert not lacking + missing(node, enclaves, actor)[1]
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
        for launch in running:
            launch.process.terminate()
        for launch in running:
            launch.end()


def test_the_launch_files_name_the_enclave_of_each_node() -> None:
    launched = " ".join(path.read_text() for path in policies().parent.rglob("*.launch.py"))
    names = {path.rpartition("/")[2] for path in permissions(policies() / "policy.xml")}
    for name in names - {"agent", "person"}:  # whom nobody launches
        assert f'"{name}"' in launched or f'"{name}_node"' in launched, name


def test_the_namespace_moves_enclaves_and_names(tmp_path: Path) -> None:
    moved = permissions(write_policies(tmp_path, "cell_a"))
    plain = permissions(policies() / "policy.xml")
    assert set(moved) == {path.replace("/mentor", "/mentor/cell_a") for path in plain}
    assert "/cell_a/action" in moved["/mentor/cell_a/policy"]["publish"]
    assert "/diagnostics" in moved["/mentor/cell_a/policy"]["publish"]


def test_only_who_acts_may_publish_actions() -> None:
    enclaves = permissions(policies() / "policy.xml")
    acting = {path for path, may in enclaves.items() if "/action" in may["publish"]}
    assert acting == {f"/mentor/{name}" for name in ("policy", "actor", "agent")}


def fake_ros2(folder: Path) -> str:
    """Write a `ros2` that notes its arguments and keeps the policies that it is given."""
    tool = folder / "ros2"
    tool.write_text(f'#!/bin/sh\necho "$@" > {folder}/arguments\ncp "$(dirname "$6")"/* {folder}\n')
    tool.chmod(0o755)
    return str(tool)


def test_the_files_are_made_by_ros2_security(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    arguments = ["--keystore", str(tmp_path / "keys"), "--namespace", "cell_a"]
    assert main(arguments, lambda: fake_ros2(tmp_path)) == 0
    assert f"generate_artifacts -k {tmp_path}/keys -p " in (tmp_path / "arguments").read_text()
    assert "/mentor/cell_a/stacker" in permissions(tmp_path / "policy.xml")
    assert "for domain 7" in capfd.readouterr().out
    monkeypatch.delenv("ROS_DOMAIN_ID")
    assert main(arguments, lambda: fake_ros2(tmp_path)) == 1
    assert "set ROS_DOMAIN_ID" in capfd.readouterr().err


def test_without_ros2_security_one_line_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mentor_bringup.security"],
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "sros2" in line
