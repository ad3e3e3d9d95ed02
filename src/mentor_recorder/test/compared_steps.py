"""The comparison of recorded and replayed messages as a user of the suite of the join."""

from __future__ import annotations

from join_suite import Key

from mentor_recorder.replay.compare import Difference
from mentor_recorder.replay.expected import Expected
from mentor_recorder.replay.tally import Tally


class ComparedSteps:
    """What a replay compares; here a message is no more than its key."""

    parts = ("made", "recorded")
    ahead = "any"
    remembers = False

    def __init__(self) -> None:
        self.expected = Expected(Tally("steps", "node"), self.compare)
        self.compared: list[Key] = []

    def compare(self, recorded: Key, made: Key) -> list[Difference]:
        assert recorded == made
        self.compared.append(recorded)
        return []

    def begin(self, episode: int) -> None:
        pass

    def give(self, part: str, episode: int, step: int) -> None:
        take = self.expected.come if part == "made" else self.expected.record
        take((episode, step), (episode, step))

    def left(self) -> list[Key]:
        compared, self.compared = self.compared, []
        return compared

    def dropped(self) -> int:
        return self.expected.join.counts.duplicates + self.expected.join.counts.strays

    def waiting(self) -> int:
        return len(self.expected.join)

    def restart(self) -> None:
        self.__init__()  # type: ignore[misc]
