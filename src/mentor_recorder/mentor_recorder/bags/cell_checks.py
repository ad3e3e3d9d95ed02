"""Whether the messages of a cell agree: what a reset sampled, which motions the window clips, and
what the reward is by the ground truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mentor_common.bags.reader import Bag
from mentor_common.messages.episode_start import episode_info
from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.plugins import PluginError
from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardModel,
    RewardOptions,
    StepInputs,
    make_reward,
)
from mentor_common.tasks.task import Task, find_task, parse_task
from mentor_common.tasks.yaml_fields import TaskError
from mentor_recorder.bags.steps import recorded_steps
from mentor_recorder.bags.summary import RECORD

CHECKED = tuple(
    f"mentor_msgs/msg/{name}"
    for name in ("EpisodeStart", "Action", "Motion", "Reward", "GroundTruth")
)
Parts = dict[tuple[str, int], Any]
"""Messages of an episode by the name of their type and their step."""
FAR = 0.1
"""Share of a term's largest value in the bag by which sensors may err: a place has its error, and a
wrong class is further off."""


@dataclass
class CellFindings:
    """What does not fit together, by episode and step."""

    draws: list[str] = field(default_factory=list)
    window: list[str] = field(default_factory=list)
    contradicted: dict[tuple[int, int], str] = field(default_factory=dict)
    terms: dict[tuple[int, int], list[tuple[str, float, float]]] = field(default_factory=dict)
    """Name of each term, its value, and its value by the ground truth."""
    starts: int = 0
    """Episode starts that were sampled again from their seed."""
    seedless: int = 0
    """Episode starts without a seed: nothing tells whether they were altered."""
    motions: int = 0
    """Motions whose clipping was computed again."""
    rewards: int = 0
    """Rewards that were computed again from the ground truth."""
    unchecked: str = ""
    """Why nothing was computed again, where the bag's task cannot be read; else empty."""

    def lines(self) -> list[str]:
        """Return the summary."""
        found = [self.unchecked] if self.unchecked else []
        if self.starts:
            found.append(_line("episode starts (reset node)", self.starts, self.draws))
        if self.seedless:
            found.append(f"  not compared: {self.seedless} episode starts without a recorded seed")
        if self.motions:
            found.append(_line("workspace window (arm)", self.motions, self.window))
        return found


def recorded_task(bag: Bag) -> Task | None:
    """Return the task with which a bag was recorded: its text in the bag, else its file here.

    None if the bag names none, or one that this version cannot read.
    """
    try:
        return _task_of(bag)
    except TaskError:
        return None


def _task_of(bag: Bag) -> Task | None:
    name = bag.record(RECORD, "task") or ""
    for path, text in (bag.record(RECORD, "files") or {}).items():
        if Path(path).stem == Path(name).stem and "/tasks/" in path:
            return parse_task(text, path, former_names=True)
    try:
        return find_task(name) if name else None
    except OSError:
        return None


def check_cell(bag: Bag) -> CellFindings:
    """Compute again what follows from the task, the seeds, the actions and the ground truth."""
    findings = CellFindings()
    try:
        task = _task_of(bag)
    except TaskError as error:
        findings.unchecked = (
            f"episode starts, workspace window and rewards are not checked: {error}; "
            f"commit {bag.record(RECORD, 'commit') or 'unknown'} recorded the bag and can read it"
        )
        return findings
    if task is None:
        return findings
    for episode, parts in _episodes(bag).items():
        start = parts.get(("EpisodeStart", 0))
        if start is not None and (start.seeded or start.seed):
            _check_draw(task, episode, start, findings)
        elif start is not None:
            findings.seedless += 1
        if start is not None:
            _check_window(task, episode, start, parts, findings)
        _check_rewards(task, episode, parts, findings)
    _contradict(findings)
    return findings


def _episodes(bag: Bag) -> dict[int, Parts]:
    """Return the messages of each episode by part and step."""
    episodes: dict[int, Parts] = {}
    for joined in recorded_steps(bag, CHECKED):
        for part, message in joined.parts.items():
            found = episodes.setdefault(joined.key.episode, {})
            found[part.rpartition("/")[2], joined.key.step] = message
    return episodes


def _check_draw(task: Task, episode: int, start: Any, findings: CellFindings) -> None:
    drawn = EpisodeDraws(task).draw(int(start.seed))
    findings.starts += 1
    for name, recorded, now in (
        ("start", start.start, drawn.start),
        ("window_offset", start.window_offset, drawn.window_offset),
    ):
        old = np.array(recorded, np.float32)
        if old.size and not np.array_equal(old, now):
            findings.draws.append(
                f"episode {episode}: {name}: recorded {old.tolist()}, seed {start.seed} draws "
                f"{np.asarray(now).tolist()}"
            )


def _check_window(
    task: Task, episode: int, start: Any, parts: Parts, findings: CellFindings
) -> None:
    offset = np.array(start.window_offset, np.float64) if len(start.window_offset) else None
    try:
        target, _ = task.workspace.clip(np.array(start.start, np.float64), offset)
        for step in range(max((k for _, k in parts), default=0)):
            action, motion = parts.get(("Action", step)), parts.get(("Motion", step + 1))
            if action is None or motion is None or motion.failed:
                return  # from here on the target is not known
            target, clipped = task.workspace.next_target(target, action.data, task.deltas, offset)
            findings.motions += 1
            if clipped != bool(motion.clipped):
                findings.window.append(
                    f"episode {episode} step {step + 1}: the motion was "
                    f"{'' if motion.clipped else 'not '}clipped; with window_offset "
                    f"{list(start.window_offset)} it is {'' if clipped else 'not '}to be"
                )
                return
    except ValueError as error:
        findings.window.append(f"episode {episode}: {error}")


def _reward_of(task: Task) -> RewardModel | None:
    try:
        return make_reward(task, RewardOptions(states="ground_truth"))
    except (PluginError, TaskError, ValueError):
        return None


def _check_rewards(task: Task, episode: int, parts: Parts, findings: CellFindings) -> None:
    model = _reward_of(task)
    start = parts.get(("EpisodeStart", 0))
    try:
        info = EpisodeInfo(episode)
        if start is not None:
            info = episode_info(start, len(task.workspace.axes))
        if model is not None:
            model.begin_episode(info, None)
    except ValueError:
        model = None  # the bag begins after the EpisodeStart; success is compared all the same
    for (part, step), reward in sorted(parts.items()):
        ground_truth = parts.get(("GroundTruth", step))
        if part != "Reward" or ground_truth is None or not reward.valid:
            continue
        findings.rewards += 1
        if model is not None:
            findings.terms[episode, step] = _by_model(model, episode, step, parts)
        if bool(ground_truth.success) != bool(reward.success):
            findings.contradicted[episode, step] = (
                f"success {bool(reward.success)}, by the ground truth {bool(ground_truth.success)}"
            )


def _contradict(findings: CellFindings) -> None:
    """Name the steps with a term that is far from the one by the ground truth."""
    scales: dict[str, float] = {}
    for terms in findings.terms.values():
        for name, recorded, true in terms:
            scales[name] = max(scales.get(name, 0.0), abs(recorded), abs(true))
    for key, terms in findings.terms.items():
        texts = [
            f"{name} {recorded:g}, by the ground truth {true:g}"
            for name, recorded, true in terms
            if abs(recorded - true) > FAR * scales[name]
        ]
        if texts:
            findings.contradicted[key] = "; ".join(texts)


def _by_model(
    model: RewardModel, episode: int, step: int, parts: Parts
) -> list[tuple[str, float, float]]:
    """Return name and value of each term, recorded and by the ground truth."""
    reward, ground_truth = parts["Reward", step], parts["GroundTruth", step]
    action = parts.get(("Action", step - 1))
    inputs = StepInputs(
        episode,
        step,
        np.array(getattr(parts.get(("Motion", step)), "normalized", []), np.float64),
        begin=0,
        end=0,
        action=None if action is None else np.array(action.data, np.float32),
        ground_truth=dict(zip(ground_truth.names, ground_truth.values, strict=False)),
    )
    try:
        computed = model.compute(inputs)
    except (ValueError, KeyError, IndexError):
        return []
    terms = dict(zip(reward.term_names, reward.terms, strict=False))
    return [(name, terms[name], value) for name, value in computed.terms.items() if name in terms]


def _line(name: str, count: int, problems: list[str]) -> str:
    if not problems:
        return f"{name}: {count} computed again, all as recorded"
    return f"{name}: {len(problems)} of {count} NOT as recorded, the first: {problems[0]}"
