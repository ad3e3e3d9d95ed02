"""What the page shows of a cell, gathered from its messages. Pure; the page's only source."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from mentor_recorder.monitor.node_table import NodeTable

EPISODES = 400
"""Episodes whose outcome is remembered."""
STEPS = 400
"""Steps of the running episode that the live view remembers."""
POINTS = 600
"""Points of the training's curves that are remembered."""


@dataclass
class EpisodeView:
    """The running episode.

    Args:
        number: number of the episode.
        limit: entries that are remembered at most, the newest; None: all.
    """

    number: int = 0
    limit: int | None = None
    purpose: str = ""
    entries: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What is known of each step."""
    total: float = 0.0
    success: bool = False

    def step(self, number: int) -> dict[str, Any]:
        """Return the entry of a step, made if it is not there."""
        if number not in self.entries:
            self.entries[number] = {"step": number}
            while self.limit is not None and len(self.entries) > self.limit:
                del self.entries[next(iter(self.entries))]
        return self.entries[number]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The entries in order."""
        return [self.entries[number] for number in sorted(self.entries)]


class CellView:
    """Gathers what is shown; every method takes a message as it comes.

    It does not use the join: a step is shown with whatever has come of it, and never whole.

    Args:
        steps: steps of an episode that are remembered at most, the newest; None: all.
    """

    def __init__(self, steps: int | None = STEPS) -> None:
        self._steps = steps
        self.episode = EpisodeView(limit=steps)
        self.episodes: deque[dict[str, Any]] = deque(maxlen=EPISODES)
        self.training: dict[str, Any] = {}
        self.curves: deque[dict[str, Any]] = deque(maxlen=POINTS)
        self.nodes = NodeTable()
        self.arm: dict[str, Any] = {}
        self.history_changed = True

    def on_action(self, message: Any) -> None:
        """Take in what the policy chose."""
        episode = self._episode(message.episode)
        if episode is None:
            return
        episode.purpose = message.header.frame_id or "training"
        episode.step(message.step).update(
            action=[_short(v) for v in message.data], mean=[_short(v) for v in message.mean],
            weights=int(message.weights_version),
        )  # fmt: skip

    def on_expert_usage(self, message: Any) -> None:
        """Take in which experts chose an action."""
        episode = self._episode(message.episode)
        if episode is not None:
            episode.step(message.step)["experts"] = [_short(v) for v in message.weights]

    def on_motion(self, message: Any) -> None:
        """Take in where the arm went."""
        episode = self._episode(message.episode)
        if episode is None:
            return
        entry = episode.step(message.step)
        entry["position"] = [_short(v) for v in message.normalized]
        if message.clipped or message.failed:
            entry["motion"] = ("failed: " if message.failed else "") + message.reason
        self.arm["position"] = entry["position"]
        p = message.pose.position
        self.arm["tip"] = entry["tip"] = [_short(p.x), _short(p.y), _short(p.z)]

    def on_reward(self, message: Any) -> None:
        """Take in a reward."""
        episode = self._episode(message.episode)
        if episode is None:
            return
        entry = episode.step(message.step)
        entry["reward"] = _short(message.value)
        entry["terms"] = dict(zip(message.term_names, map(_short, message.terms), strict=False))
        entry["states"] = dict(zip(message.state_names, map(_short, message.states), strict=False))
        if not message.valid:
            entry["invalid"] = message.reason or "not valid"
        episode.total += message.value if message.valid else 0.0
        episode.success = bool(message.success)
        if message.terminated or message.truncated:
            self.episodes.append(
                {
                    "episode": str(message.episode),  # too large for a number in JSON
                    "return": _short(episode.total),
                    "success": episode.success,
                    "purpose": episode.purpose or "training",
                    "steps": int(message.step),
                    "valid": bool(message.valid),
                }
            )
            self.history_changed = True

    def on_ground_truth(self, message: Any) -> None:
        """Take in the true state of a twin."""
        episode = self._episode(message.episode)
        if episode is not None:
            truth = dict(zip(message.names, map(_short, message.values), strict=False))
            episode.step(message.step)["truth"] = {**truth, "success": bool(message.success)}

    def on_episode_start(self, message: Any) -> None:
        """Take in what a reset sampled."""
        self._episode(message.episode)
        self.arm["window_offset"] = [_short(v) for v in message.window_offset]

    def on_training(self, message: Any) -> None:
        """Take in the training's progress."""
        self.training = {
            name: _short(getattr(message, name))
            for name in (
                "step", "update", "episode", "steps_per_second", "updates_per_second", "idle",
                "episode_return", "success", "dormant_ratio",
            )
        }  # fmt: skip
        self.training["run"] = message.run_id
        self.training["agent"] = message.agent
        further = dict(zip(message.names, map(_short, message.values), strict=False))
        self.training["further"] = further
        last = self.curves[-1] if self.curves else None
        if last is None or last["step"] != message.step:
            point = {k: self.training[k] for k in ("step", "success", "dormant_ratio", "idle")}
            self.curves.append({**point, **further})
            self.history_changed = True

    def on_diagnostics(self, message: Any, now: float) -> None:
        """Take in how nodes are; ``now`` in seconds of any steady clock."""
        for status in message.status:
            self.nodes.add(status, now)

    def on_joint_states(self, message: Any) -> None:
        """Take in the angles of the arm's joints."""
        self.arm["joints"] = dict(zip(message.name, map(_short, message.position), strict=False))

    def state(self, now: float) -> dict[str, Any]:
        """Return what changes all the time."""
        episode = self.episode
        return {
            "episode": {
                "number": str(episode.number),
                "purpose": episode.purpose,
                "return": _short(episode.total),
                "success": episode.success,
                "steps": episode.steps,
            },
            "training": self.training,
            "nodes": self.nodes.rows(now),
            "arm": self.arm,
        }

    def history(self) -> dict[str, Any]:
        """Return what changes once an episode or once a second."""
        self.history_changed = False
        return {"episodes": list(self.episodes), "curves": list(self.curves)}

    def _episode(self, number: int) -> EpisodeView | None:
        """Return the running episode; a new number begins one, an old one is nobody's."""
        if number == self.episode.number:
            return self.episode
        if any(entry["episode"] == str(number) for entry in self.episodes):
            return None  # what the topics' history still had of an episode that is over
        self.episode = EpisodeView(number, self._steps)
        return self.episode


def _short(value: Any) -> Any:
    """Return a number as JSON has it, with five digits; None for what JSON lacks."""
    if isinstance(value, (bool, int)):
        return value
    number = float(value)
    return float(f"{number:.5g}") if math.isfinite(number) else None
