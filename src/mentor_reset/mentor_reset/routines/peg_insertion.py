"""The reset of peg insertion (App. C.4): put the peg back, take the next one, go to a start."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mentor_common.tasks.peg_insertion import draw_peg, peg_reward_of
from mentor_common.tasks.reset_routine import (
    BEGIN_EPISODE,
    AskForHelp,
    Grip,
    Move,
    PartFailed,
    Parts,
    PartsThatReturn,
    ResetContext,
    ResetRoutine,
    Rest,
    Save,
    check_options,
)
from mentor_common.tasks.task import Task
from mentor_reset.routines.shelf import read_shelf

ALL = "all"


class PegInsertionReset(ResetRoutine):
    """Finds out which peg is in the hand, lifts it, switches it for the next one at the shelf, goes
    to the start.

    The widths of the blocks that the gripper holds tell the pegs apart, so the first part of every
    attempt is a grasp: nothing moves before the peg in the hand is known, whatever happened before.
    The option ``peg`` of the reset names the peg; without it, or with ``all``, it is chosen so that
    all have equally many episodes.

    Args:
        task: its section ``reset.settings`` describes the shelf (see Shelf).

    Raises:
        TaskError: the section is refused.
    """

    stages = (
        "check_grasp", "release_tension", "lift", "put_back", "take", "move_to_start",
        "wait_until_still",
    )  # fmt: skip

    def __init__(self, task: Task) -> None:
        self._pegs = peg_reward_of(task).names
        self.options = {"peg": (*self._pegs, ALL)}
        self._shelf = read_shelf(task)
        self._still = (task.reset.still_time, task.reset.still_distance)

    def parts(self, context: ResetContext) -> Parts:
        """Begin an attempt.

        Raises:
            ValueError: an option, or the peg that it names, is unknown.
        """
        check_options(context.options, self.options, "reset")
        wanted = context.options.get("peg", ALL)
        choice = self._pegs if wanted == ALL else (str(wanted),)
        state = {"hand": "", "episodes": {}, **context.saved}
        episodes: dict[str, int] = {} if context.seeded else dict(state["episodes"])
        hand = yield from self._identify(str(state["hand"]))
        if state["hand"] in self._pegs and hand != state["hand"]:
            yield Save("check_grasp", {**state, "hand": hand})
            if not hand:
                lost = f"the {state['hand']} peg is lost: the hand is empty"
                raise PartFailed(Grip("check_grasp", "grasp"), lost)
        peg = draw_peg(choice, episodes, context.random)
        released = yield Move("release_tension", movement="release_tension")
        here = context.start if released.position is None else released.position
        yield Move("lift", self._shelf.above(here))
        if hand != peg:
            if hand:
                yield from self._put_back(hand, state)
            yield from self._take(peg, state)
        episodes[peg] = episodes.get(peg, 0) + 1
        yield Save("move_to_start", {"hand": peg, "episodes": episodes})
        yield Move("move_to_start", np.clip(context.start, -1.0, 1.0))
        yield Rest("wait_until_still", *self._still)
        yield Move(BEGIN_EPISODE, context.start, begins_episode=True, options={"peg": peg})

    def _identify(self, expected: str) -> PartsThatReturn[str]:
        """Close the fingers on what is between them; return which peg it is, empty for none."""
        first = [expected] if expected in self._pegs else []
        for peg in [*first, *(each for each in self._pegs if each not in first)]:
            try:
                yield self._grasp("check_grasp", peg)
            except PartFailed as failure:
                if math.isnan(failure.result.width):
                    raise  # the gripper did not answer: what it holds is not known
                continue
            return peg
        return ""

    def _grasp(self, stage: str, peg: str) -> Grip:
        return Grip(stage, "grasp", width=self._shelf.grips[peg], force=self._shelf.force)

    def _put_back(self, peg: str, state: dict[str, Any]) -> Parts:
        """Put a peg into its place in the shelf; the hand is above it, empty, afterwards."""
        over, in_place = self._shelf.over(peg), self._shelf.in_place(peg)
        yield Move("put_back", over)
        yield Move("put_back", in_place)
        yield Grip("put_back", "release", width=self._shelf.open_width)
        yield Move("put_back", over)
        yield Save("put_back", {**state, "hand": ""})

    def _take(self, peg: str, state: dict[str, Any]) -> Parts:
        """Take a peg from its place in the shelf; a person is asked for one that is not there."""
        for _ in range(self._shelf.retries):
            if (yield from self._try_to_take(peg, state)):
                return
        place, seconds = self._shelf.place(peg), self._shelf.help_timeout
        request = f"put the {peg} peg into place {place} of the shelf, and nothing into the hand"
        yield AskForHelp("take", request, seconds)
        if not (yield from self._try_to_take(peg, state)):
            reason = f"the {peg} peg is not in place {place} of the shelf"
            raise PartFailed(self._grasp("take", peg), reason)

    def _try_to_take(self, peg: str, state: dict[str, Any]) -> PartsThatReturn[bool]:
        """Return whether a peg is in the hand after it was lifted; else the hand is empty."""
        over, in_place = self._shelf.over(peg), self._shelf.in_place(peg)
        yield Grip("take", "release", width=self._shelf.open_width)
        yield Move("take", over)
        yield Move("take", in_place)
        try:
            yield self._grasp("take", peg)
            yield Save("take", {**state, "hand": peg})
            yield Move("take", over)
            yield self._grasp("take", peg)
        except PartFailed as failure:
            if not isinstance(failure.part, Grip) or math.isnan(failure.result.width):
                raise
            yield Grip("take", "release", width=self._shelf.open_width)
            yield Save("take", {**state, "hand": ""})
            yield Move("take", over)
            return False
        return True
