"""Which steps had their rewards before this reader began."""

from __future__ import annotations

from mentor_common.messages.join import StepKey

QUIET = 0.3
"""Seconds without a message after which the history of all publishers has arrived."""
LONGEST = 2.0
"""Seconds after the first message after which it has arrived in any case."""


class History:
    """Separates the newest step, for which an agent may be waiting, from those before it.

    Publishers send a late subscriber what they published before. Of that, all steps but the newest
    have had their rewards, and the newest too if an action followed it.
    """

    def __init__(self) -> None:
        self.newest: StepKey | None = None
        """The newest step that has arrived."""
        self._steps: dict[int, int] = {}  # newest step by episode
        self._acted: set[StepKey] = set()
        self._first = self._last = 0.0
        self._over = False

    def add(self, key: StepKey, now: float) -> None:
        """Note that something of a step arrived; ``now``: seconds."""
        if self.newest is None:
            self._first = now
        self._last = now
        self._steps[key.episode] = max(key.step, self._steps.get(key.episode, -1))
        self.newest = StepKey(key.episode, self._steps[key.episode])

    def add_action(self, key: StepKey) -> None:
        """Note an action: its agent has had the reward of that step."""
        self._acted.add(key)

    def is_over(self, now: float, matched: bool = True) -> bool:
        """Return whether all history has arrived.

        Args:
            now: seconds.
            matched: whether each topic that is read has a publisher that is known: a process that
                starts finds the topics of one and the same peer up to seconds apart.
        """
        if not self._over and self.newest is not None:
            quiet = matched and now - self._last >= QUIET
            self._over = quiet or now - self._first >= LONGEST
        return self._over

    def is_new(self, key: StepKey) -> bool:
        """Return whether a step may still be without its reward."""
        if self.newest is None or key.episode != self.newest.episode:
            return key.episode not in self._steps
        return key.step > self.newest.step or (key == self.newest and key not in self._acted)
