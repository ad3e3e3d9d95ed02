"""What a node cannot do it refuses in one clear message, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cell_process import fresh_namespace
from policy_process import PolicyProcess, toy_cell
from stream_probe import StreamProbe

from mentor_common.messages.topics import ACTION, OBSERVATION, POLICY_WEIGHTS, REWARD
from mentor_msgs.msg import Action, Observation, PolicyWeights, Reward
from mentor_policy.replay import ReplayRing

LITTLE = "train.replay_capacity=300"
MOUNT = "mkdir -p {where} && mount -t tmpfs -o {options} tmpfs {where}"
"""For `unshare -rm sh -c`: a file system of one's own, seen by the process alone."""


def in_file_system(where: Path, options: str, beside: str = "true", after: str = "true"):
    mount = MOUNT.format(where=where, options=options)
    script = f'{mount} || exit 9; ({beside}) & "$@"; code=$?; {after}; exit $code'
    return ["unshare", "-rm", "sh", "-c", script, "sh"]


@pytest.fixture(scope="module")
def cell():
    namespace = fresh_namespace()
    with toy_cell(namespace, step_seconds=0.03):
        yield namespace


def test_settings_that_cannot_be_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    settings: list[dict[str, Any]] = [
        {"overrides": "agent.top_k=9"},
        {"agent": "mentro"},
        {"mode": "eval"},
        {"mode": "eval", "checkpoint": Path(__file__).parent / "first_run"},
        {"agent": "random", "device": "nonsense"},
        {"agent": "random", "device": "cuda"},
        {"reset_options": "star"},
        {"reset_options": "[1]"},
    ]
    cases = [
        PolicyProcess(
            "policy",
            fresh_namespace(),
            run_dir=tmp_path / "run",
            variables={"CUDA_VISIBLE_DEVICES": ""},
            **wrong,
        )
        for wrong in settings
    ]
    words = [
        "agent.top_k is 9; it must be from 1 to agent.experts, which is 4",
        "agent 'mentro' is not known; known: ",
        "mode:=eval needs checkpoint:=",
        "is of an older version of this program",
        "train.device is 'nonsense'; allowed are auto, cpu, cuda",
        "device is 'cuda', but torch ",
        "reset_options:=star is no JSON: ",
        "reset_options:=[1] is no JSON object",
    ]
    for process, text in zip(cases, words, strict=True):
        with process:
            assert process.ends() == 1
            assert text in process.output
    assert not (tmp_path / "run").exists()


def test_a_run_folder_in_use_or_of_another_run_is_refused(cell: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = {"reset_options": '{"peg": "star"}', "progress_period": 0.5}
    first = PolicyProcess("policy", cell, run_dir=folder, **options)
    with first:
        assert first.says("new run in"), first.output
        second = PolicyProcess("policy", cell, run_dir=folder)
        learner = PolicyProcess("learner", cell, run_dir=folder)
        with second, learner:
            in_use = f"run folder {folder} is in use by process"
            # Its name is refused as soon as the first node is discovered, the folder in any case.
            for process, reasons in ((second, ("holds the name", in_use)), (learner, (in_use,))):
                assert process.ends() == 1
                assert any(reason in process.output for reason in reasons), process.output
        assert first.process.poll() is None
        assert first.says("%"), first.output
        assert first.end() == 0, first.output
        assert "stopped; the same command continues it" in first.output
    changed = {"overrides": "agent.experts=8", "reset_options": '{"peg": "all"}'}
    other = PolicyProcess("policy", cell, run_dir=folder, **changed)
    with other:
        assert other.ends() == 1
        assert "belongs to another run: agent.experts is 4 there and 8 here; environment." in (
            other.output
        )
        assert "reset_options.peg is 'star' there and 'all' here" in other.output


def test_a_read_only_run_folder_is_refused(cell: str, tmp_path: Path) -> None:
    where = tmp_path / "disk"
    around = in_file_system(where, "ro")
    with PolicyProcess("policy", cell, around=around, run_dir=where / "run") as process:
        assert process.ends() == 1
        assert "cannot be written: Read-only file system; choose another run_dir" in process.output


def test_a_full_disk_ends_the_learner_with_its_replay_whole(cell: str, tmp_path: Path) -> None:
    where, copy = tmp_path / "disk", tmp_path / "copy"
    fill = f"until [ -e {where}/run/published.json ]; do sleep 0.1; done; sleep 2; "
    # Again and again: a checkpoint that is removed makes room for the next.
    fill += "while kill -0 $$; do cat /dev/zero; sleep 0.2; done "
    fill += f">> {where}/others 2> /dev/null"
    around = in_file_system(where, "size=80m", fill, f"cp -r {where}/run {copy}")
    acts = PolicyProcess("actor", cell, run_dir=tmp_path / "actor")
    learns = PolicyProcess(
        "learner", cell, around=around, run_dir=where / "run", overrides=LITTLE,
        publish_period=0.5, checkpoint_period=1.0,
    )  # fmt: skip
    with StreamProbe(cell) as probe, acts, learns:
        assert learns.ends() == 1, learns.output
        said = learns.output
        assert "refused: " in said and "No space left on device" in said, said
        assert probe.wait_for_actions(10), acts.output  # the arm does not mind
    ring = ReplayRing(copy / "replay", writable=False)
    assert ring.count > 0
    ring.close()


def test_a_strangers_observations_and_rewards_end_no_learner(cell: str, tmp_path: Path) -> None:
    acts = PolicyProcess("actor", cell, run_dir=tmp_path / "actor")
    learns = PolicyProcess("learner", cell, run_dir=tmp_path / "learner", overrides=LITTLE)
    with StreamProbe(cell) as probe, acts, learns:
        assert learns.says("records so far"), learns.output
        whole = Observation(episode=5, cameras=["side"], frames=3, height=8, width=8)
        whole.data = bytes(3 * 3 * 8 * 8)
        short = Observation(episode=6, cameras=["side"], frames=3, height=36, width=36)
        short.data = bytes(100)
        for topic, message in (
            (OBSERVATION, whole), (OBSERVATION, short), (REWARD, Reward(episode=5, step=1)),
            (ACTION, Action(episode=5, step=0, data=[0.0, 0.0])),
            (REWARD, Reward(episode=7, step=1, value=float("nan"))),
        ):  # fmt: skip
            probe.publish(topic, message)
        assert learns.says("dropped: "), learns.output  # one line a second names the first of them
        assert probe.wait_for_actions(30), acts.output
        assert learns.process.poll() is None and learns.end() == 0, learns.output
        assert "Traceback" not in learns.output


def test_weights_that_do_not_fit_leave_the_actor_acting(cell: str, tmp_path: Path) -> None:
    with StreamProbe(cell) as probe, PolicyProcess("actor", cell, run_dir=tmp_path) as acts:
        assert probe.wait_for_actions(1), acts.output
        probe.publish(
            POLICY_WEIGHTS, PolicyWeights(run_id="other", version=1, config="{}", data=b"x")
        )
        assert acts.says("weights refused: weights 1 of run other"), acts.output
        assert probe.wait_for_actions(20), acts.output
        assert acts.end() == 0, acts.output
