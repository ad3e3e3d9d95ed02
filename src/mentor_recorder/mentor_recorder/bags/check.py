"""Whether a bag is whole: its files, its definitions, and its steps without gaps and doubles."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mcap.records import Chunk
from mcap.stream_reader import StreamReader, breakup_chunk

from mentor_common.bags.definitions import UnknownTypeError, definition_of
from mentor_common.bags.reader import Bag, BagError, BagFile, BagMessage
from mentor_common.bags.steps import STEP_TYPES, step_of

NAMED = 5
"""Steps that are named one by one; of further ones only the number is given."""


@dataclass
class Findings:
    """What is wrong with a bag, a sentence each."""

    problems: list[str] = field(default_factory=list)
    steps: int = 0
    """Steps whose every part is there once."""

    def add(self, text: str) -> None:
        """Add a sentence."""
        self.problems.append(text)


@dataclass
class _Episode:
    """How often each step of an episode came, per part (observation, action, ...)."""

    parts: dict[str, Counter[int]] = field(default_factory=dict)

    def add(self, part: str, step: int) -> None:
        self.parts.setdefault(part, Counter())[step] += 1


def check(bag: Bag) -> Findings:
    """Read every byte of a bag and report what is wrong."""
    findings = Findings()
    for file in bag.files:
        _check_file(file, findings)
    _check_definitions(bag, findings)
    for namespace, episodes in _collect(bag, findings).items():
        order = list(episodes)
        for episode in order:
            name = f"{namespace}episode {episode}"
            _check_episode(
                name, episodes[episode], findings,
                first=episode == order[0], last=episode == order[-1],
            )  # fmt: skip
    return findings


def _check_file(file: BagFile, findings: Findings) -> None:
    if not file.whole:
        findings.add(f"{file.path.name} was not closed ({file.problem}); `repair` mends it")
        return
    try:
        with file.path.open("rb") as stream:
            reader = StreamReader(stream, emit_chunks=True, validate_crcs=True)
            for record in reader.records:
                if isinstance(record, Chunk):
                    breakup_chunk(record, validate_crc=True)
    except Exception as error:  # whatever damaged bytes make of a decompressor
        findings.add(f"{file.path.name} is damaged: {type(error).__name__} {error}".rstrip())


def _check_definitions(bag: Bag, findings: Findings) -> None:
    for topic in bag.topics.values():
        if not topic.definition:
            findings.add(f"{topic.name}: no definition of {topic.type or 'its type'} in the bag")
            continue
        try:
            here = definition_of(topic.type)
        except UnknownTypeError:
            continue  # a foreign type is nobody's fault
        if topic.hash and here.hash and topic.hash != here.hash:
            findings.add(
                f"{topic.name}: {topic.type} of the bag is not the one that is sourced here "
                f"(type hash {topic.hash[:20]}..., here {here.hash[:20]}...)"
            )


def _collect(bag: Bag, findings: Findings) -> dict[str, dict[int, _Episode]]:
    """Return the episodes of each namespace, in the order in which they appear."""
    cells: dict[str, dict[int, _Episode]] = {}
    topics = {name for name, topic in bag.topics.items() if topic.type in STEP_TYPES}
    order: dict[str, int] = {}
    unreadable: Counter[str] = Counter()
    for message in _readable(bag.messages(topics)):
        try:
            key = step_of(message.data, message.type)
        except ValueError:
            unreadable[message.topic] += 1
            continue
        namespace, _, part = message.topic.rpartition("/")
        episodes = cells.setdefault(f"{namespace}/ " if namespace else "", {})
        episodes.setdefault(key.episode, _Episode()).add(part, key.step)
        order.setdefault(message.topic, message.log_time)
    for topic, count in unreadable.items():
        findings.add(f"{topic}: {count} message(s) are too short for their type")
    return cells


def _readable(messages: Iterator[BagMessage]) -> Iterator[BagMessage]:
    with contextlib.suppress(BagError):  # _check_file has found it
        yield from messages


def _check_episode(
    name: str, episode: _Episode, findings: Findings, *, first: bool, last: bool
) -> None:
    """Compare the parts of an episode; a bag may begin and end in the midst of one."""
    # Every part is counted by the step that it belongs to; an action by the one that it leads to.
    parts = {
        part: Counter({step + (part == "action"): count for step, count in steps.items()})
        for part, steps in episode.parts.items()
    }
    reached = max(max(steps) for steps in parts.values())
    begun = 0 if not first else min(min(steps) for steps in parts.values())
    for part, steps in sorted(parts.items()):
        doubled = sorted(step for step, count in steps.items() if count > 1)
        _name_steps(findings, f"{name}: {part} came more than once", doubled)
    required = [p for p in ("observation", "action", "motion", "reward") if p in parts]
    complete = 0
    missing: dict[str, list[int]] = {part: [] for part in required}
    for step in range(begun, reached + 1):
        absent = [
            part for part in required
            if not parts[part][step] and not (step == 0 and part in ("action", "reward"))
        ]  # fmt: skip
        if (last and step == reached) or (first and step == begun):
            absent = []  # recorded from or up to the middle of a step
        complete += not absent
        for part in absent:
            missing[part].append(step)
    for part, absent_steps in missing.items():
        _name_steps(findings, f"{name}: no {part}", absent_steps)
    findings.steps += complete


def _name_steps(findings: Findings, what: str, steps: list[Any]) -> None:
    if not steps:
        return
    named = ", ".join(str(step) for step in steps[:NAMED])
    more = f" and {len(steps) - NAMED} more" if len(steps) > NAMED else ""
    findings.add(f"{what} at step {named}{more}")
