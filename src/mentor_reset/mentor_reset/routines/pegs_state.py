"""What the reset of peg insertion saves: the peg in the hand, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mentor_common.tasks.reset_routine import Save
from mentor_reset.execution.saved_state import refusal


@dataclass
class PegsState:
    """What the next attempt must know, also after a kill.

    Args:
        hand: peg in the hand; empty: none.
        episodes: how many episodes without a seed each peg has had.
        next: peg that was drawn for an episode that has not begun yet; empty: none.
    """

    hand: str = ""
    episodes: dict[str, int] = field(default_factory=dict)
    next: str = ""

    def save(self, stage: str, **changes: str) -> Save:
        """Change the hand or the next peg; return the part that saves it."""
        for name, value in changes.items():
            setattr(self, name, value)
        return Save(stage, asdict(self))

    def save_begun(self, stage: str, peg: str) -> Save:
        """Count an episode of a peg that has begun; return the part that saves it."""
        self.episodes[peg] = self.episodes.get(peg, 0) + 1
        if self.next == peg:
            self.next = ""
        return self.save(stage)


def read_pegs_state(saved: Mapping[str, Any], pegs: Sequence[str], file: str) -> PegsState:
    """Return the state that was saved.

    Args:
        saved: JSON values by name; none where nothing was saved.
        pegs: names of the task's pegs.
        file: where it was saved, for the error.

    Raises:
        ValueError: it is refused; names the file, the value and what to do.
    """

    def refuse(name: str, must_be: str) -> ValueError:
        return ValueError(refusal(file, f"{name!r} is {saved[name]!r:.80}, must be {must_be}"))

    for name in ("hand", "next"):
        if saved.get(name, "") not in ("", *pegs):
            raise refuse(name, f"empty or one of {', '.join(pegs)}")
    episodes = saved.get("episodes", {})
    if not isinstance(episodes, dict) or not all(
        type(count) is int and count >= 0 for count in episodes.values()
    ):
        raise refuse("episodes", "an object of whole numbers, at least 0, by the name of a peg")
    return PegsState(str(saved.get("hand", "")), dict(episodes), str(saved.get("next", "")))
