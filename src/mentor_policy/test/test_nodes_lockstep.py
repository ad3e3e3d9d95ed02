"""In lockstep the topics change nothing: replay and weights are those of the run in process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from cell_process import fresh_namespace
from policy_process import TOY, NodeProcess, PolicyProcess

from mentor_policy.config import load_config
from mentor_policy.replay import ReplayRing
from mentor_policy.training.checkpoint import read_checkpoint
from mentor_policy.training.checkpoint_folders import folders
from mentor_policy.training.environment import shape_of
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.trainer import Trainer


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums depend on the number of threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def train_in_process(
    task: str, preset: str, steps: int, overrides: str, folder: Path, **options: int
) -> None:
    config = load_config("mentor", preset, [*overrides.split(), "train.seed=3", "train.threads=1"])
    env = gymnasium.make(f"mentor/{task}-v0", disable_env_checker=True, **options)
    config.train.action_repeat = env.unwrapped.action_repeat
    config.train.frames = steps * config.train.action_repeat
    run = RunFolder(folder, config, {"id": task, "arguments": {}}, shape_of(env))
    Trainer(env, run).train()
    run.close()
    env.close()


def replay_of(folder: Path) -> tuple[list[bytes], list[str]]:
    """Records (episode, step, reward, action, flags) and the pixels' SHA-256, oldest first."""
    ring = ReplayRing(folder / "replay", writable=False)
    slots = [ring.slot(number) for number in range(ring.oldest, ring.count)]
    records = [ring.records[slot].tobytes() for slot in slots]
    pixels = [
        hashlib.sha256(ring.observation(number).tobytes()).hexdigest()
        for number in range(ring.oldest, ring.count)
    ]
    ring.close()
    return records, pixels


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    tensors = read_checkpoint(folders(folder / "checkpoints")[-1]).tensors()
    return {name: tensor.float().numpy() for name, tensor in tensors.items()}


def the_same_to_the_bit(one: Path, other: Path, steps: int) -> None:
    records, pixels = replay_of(one)
    assert len(records) > steps
    assert (records, pixels) == replay_of(other)
    ours, theirs = weights_of(one), weights_of(other)
    assert ours.keys() == theirs.keys() and len(ours) > 20
    assert [name for name in ours if not np.array_equal(ours[name], theirs[name])] == []


def test_lockstep_over_the_topics_equals_the_run_in_process(
    tmp_path: Path, one_thread: None
) -> None:
    task, steps, repeat = "dmc-cartpole_balance", 140, 8  # an episode has 125 steps
    size = 36  # pixels: what a message holds is the same at any size
    namespace = fresh_namespace()
    bridge = NodeProcess(
        "mentor_sim_bridge.nodes.benchmark_bridge",
        namespace,
        environment=f"mentor/{task}-v0",
        action_repeat=repeat,
        image_size=size,
    )
    node = PolicyProcess(
        "policy",
        namespace,
        synchronous=True,
        seed=3,
        max_steps=steps,
        run_dir=tmp_path / "topics",
        overrides="train.eval_episodes=1",
    )
    with bridge, node:
        small = f"{TOY} train.eval_episodes=1"
        options = {"action_repeat": repeat, "image_size": size}
        train_in_process(task, "dmc", steps, small, tmp_path / "in_process", **options)
        assert node.ends(200) == 0, node.output
        assert "evaluate it: make launch TASK=benchmark" in node.output
    the_same_to_the_bit(tmp_path / "in_process", tmp_path / "topics", steps)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_lockstep_over_the_whole_cable_cell_equals_the_run_in_process(
    tmp_path: Path, one_thread: None
) -> None:
    check_the_cable_cell(tmp_path, 500)


def check_the_cable_cell(tmp_path: Path, steps: int) -> None:
    namespace = fresh_namespace()
    small = (
        "train.seed_frames=80 train.eval_episodes=1 train.eval_every_frames=0 agent.hidden_dim=32"
    )
    small += " agent.hidden_dim=32 agent.expert_dim=16 agent.explore_steps=40"
    small += " agent.precision=float32"
    small += " train.video=false train.batch_size=64 train.update_every=1"
    nodes = [
        ("mentor_sim_bridge.nodes.twin_node", {"task": "cable_routing"}),
        (
            "mentor_camera.nodes.stacker_node",
            {"task": "cable_routing", "image_reliability": "reliable"},
        ),
        ("mentor_reward.nodes.reward_node", {"task": "cable_routing", "states": "ground_truth"}),
        ("mentor_reset.nodes.reset_node", {"task": "cable_routing"}),
    ]
    cell = [
        NodeProcess(module, namespace, use_sim_time=True, ros_args=CLOCK, **parameters)
        for module, parameters in nodes
    ]
    node = PolicyProcess(
        "policy",
        namespace,
        ros_args=CLOCK,
        preset="robot",
        synchronous=True,
        seed=3,
        max_steps=steps,
        run_dir=tmp_path / "topics",
        use_sim_time=True,
        step_timeout=60.0,
        toy="",
        overrides=small,
    )
    try:
        assert node.ends(1200) == 0, node.output
    finally:
        for process in (node, *cell):
            process.kill()
    train_in_process("cable_routing", "robot", steps, small, tmp_path / "in_process")
    the_same_to_the_bit(tmp_path / "in_process", tmp_path / "topics", steps)


CLOCK = ("-r", "/clock:=clock")
