"""What an agent asks of an environment between episodes: what it is, and for a new episode."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mentor_common.messages import topics
from mentor_common.node.caller import Caller
from mentor_common.node.describe_client import DescribeClient
from mentor_common.node.peers import WARN_AFTER
from mentor_common.node.remote_action import GoalRejected, RemoteAction, RemoteError, RemoteTimeout
from mentor_msgs.action import ResetEpisode
from mentor_msgs.srv import Describe

log = logging.getLogger("mentor.ros_env")

POLL = 0.25
"""Seconds of wall time between two checks whether the peers are still there."""
LONGEST_PAUSE = 2.0
"""Seconds at most between two tries of a reset that is rejected; the first pause is a tenth."""


class EnvironmentLost(RuntimeError):
    """The environment did not answer in time or is gone; names who is missing. ``reset`` tries
    again."""

    for_person = True
    """Whether the text is made for the person: no traceback is needed."""
    answered = False
    """Whether the environment itself reported the failure, so that more tries may be in vain."""


class ResetFailed(EnvironmentLost):
    """The environment answered that it cannot begin an episode, and why."""

    answered = True


class Requests:
    """Calls ``describe`` and ``reset_episode``, and reports failures as EnvironmentLost.

    Args:
        caller: who calls, and how they wait.
        resolve: gives a name its namespace.
        check_held: raises CellHeldError where another agent holds the cell.
        holder: names whoever else claims to act in the cell; empty: nobody. An agent that was
            suspended may still believe that it holds a cell that another one has taken since.
    """

    def __init__(
        self,
        caller: Caller,
        resolve: Callable[[str], str],
        check_held: Callable[[], None],
        holder: Callable[[], str],
    ) -> None:
        self._caller, self._check_held, self._holder = caller, check_held, holder
        self._describe = DescribeClient(caller, resolve(topics.DESCRIBE.name))
        action = topics.RESET_EPISODE
        self._reset = RemoteAction(caller, replace(action, name=resolve(action.name)))
        self._reset_name = caller.node.resolve_topic_name(resolve(action.name))

    def describe(self, until: float, ready: bool = False) -> Describe.Response:
        """Ask the environment what it is, until it answers (and is ready).

        Args:
            until: time.monotonic() at which waiting ends.
            ready: whether the environment must also be ready for an episode.
        Raises: EnvironmentLost.
        """
        wait = _Wait(self._caller)
        try:
            answer = self._describe.call(until, ready=ready, on_wait=wait.report)
        except RemoteTimeout as error:
            raise wait.lost(str(error)) from None
        if wait.reported:
            log.info("%s answers after %.1f s", self._describe.name, wait.seconds)
        return answer

    def reset(
        self, seed: int | None, names: list[str], values: list[str], until: float
    ) -> ResetEpisode.Result:
        """Call ``reset_episode`` and wait for its result.

        Args:
            seed: seed of the episode's randomization; None: the random state continues.
            names: names of the options.
            values: values of the options, as JSON.
            until: time.monotonic() at which waiting ends.
        Raises: EnvironmentLost; ResetFailed where the environment reports the failure;
            CellHeldError.
        """
        wait, stage, rejected = _Wait(self._caller), "", ""

        def on_feedback(feedback: Any) -> None:
            nonlocal stage
            waits = f", which waits for {feedback.waiting_for}" if feedback.waiting_for else ""
            stage = f" in stage '{feedback.stage}'{waits}"

        goal = ResetEpisode.Goal(
            seeded=seed is not None, seed=seed or 0, option_names=names, option_values=values
        )
        pause = 0.2
        missing = f"nobody serves the action {self._reset_name}"
        while True:
            if not self._reset.served and time.monotonic() < until:
                wait.report(f"{missing} (usually the {topics.RESET_EPISODE.server})")
                self._pause(0.05, until)
                continue
            left = until - time.monotonic()
            if rejected and left <= 0.0:
                raise wait.lost(rejected)
            goal.timeout = max(0.1, left)
            try:
                result = self._reset.call(goal, left, on_feedback=on_feedback)
                break
            except GoalRejected as error:
                # On a busy machine another agent may be found only now.
                self._check_held()
                holder = self._holder()
                why = f"{holder} acts in the cell" if holder else "its log says why"
                rejected = f"{error}: {why}"
                wait.report(rejected)
                self._pause(pause, until)
                pause = min(2.0 * pause, LONGEST_PAUSE)
            except RemoteError as error:
                raise wait.lost(f"{error}{stage}") from None
        if not result.success:
            server = topics.RESET_EPISODE.server
            reason = result.message or "no reason given"
            raise ResetFailed(f"{self._reset_name} ({server}) failed{stage}: {reason}")
        return result

    def destroy(self) -> None:
        """Leave the graph, before the node does; a reset under way is cancelled."""
        self._reset.destroy()

    def _pause(self, seconds: float, until: float) -> None:
        self._caller.wait(None, min(until, time.monotonic() + seconds), lambda: None)


class _Wait:
    """How long an answer has been waited for, and whether that was logged."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._begin = time.monotonic()
        self.reported = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def report(self, why: str) -> None:
        """Log a long wait, once."""
        if not self.reported and self.seconds > WARN_AFTER:
            self.reported = True
            log.warning("RosEnv has waited %.1f s: %s%s", self.seconds, why, self._idle())

    def lost(self, why: str) -> EnvironmentLost:
        """Return the error of a wait that is over, with which nodes do not work."""
        return EnvironmentLost(f"waited {self.seconds:.1f} s: {why}{self._idle()}")

    def _idle(self) -> str:
        idle = self._caller.inactive()
        return f": {', '.join(idle)}" if idle else ""
