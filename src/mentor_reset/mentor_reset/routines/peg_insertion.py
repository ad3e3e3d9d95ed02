"""The reset of peg insertion (App. C.4): put the peg back, take the next one, go to a start."""

from __future__ import annotations

import math

import numpy as np

from mentor_common.tasks.peg_insertion import draw_peg, peg_of_seed, peg_reward_of
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
    check_options,
)
from mentor_common.tasks.task import Task
from mentor_reset.routines.pegs_state import PegsState, read_pegs_state
from mentor_reset.routines.shelf import read_shelf

ALL = "all"
EMPTY = 0.002
"""Width of the closed fingers up to which nothing is between them, metres."""


class PegInsertionReset(ResetRoutine):
    """Finds out which peg is in the hand, lifts it, switches it for the next one at the shelf, goes
    to the start.

    The widths of the blocks that the gripper holds tell the pegs apart, so the first part of every
    attempt is a grasp: nothing moves before the peg in the hand is known, whatever happened before.
    A person is asked to take away what has the width of no peg.
    The option ``peg`` of the reset names the peg; without it, or with ``all``, it is chosen so that
    all have equally many episodes: by a seed, where there is one, else by those that were begun.

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
            ValueError: an option, the peg that it names, or what was saved is unknown.
        """
        check_options(context.options, self.options, "reset")
        state = read_pegs_state(context.saved, self._pegs, context.saved_in)
        hand = yield from self._identify(state)
        expected = state.hand
        if hand != expected:
            yield state.save("check_grasp", hand=hand)
        if expected and not hand:
            lost = f"the {expected} peg is lost: the hand is empty"
            raise PartFailed(Grip("check_grasp", "grasp"), lost)
        peg = yield from self._choose(context, state)
        released = yield Move("release_tension", movement="release_tension")
        here = context.start if released.position is None else released.position
        yield Move("lift", self._shelf.above(here))
        if hand != peg:
            if hand:
                yield from self._put_back(hand, state)
            yield from self._take(peg, state)
        yield Move("move_to_start", np.clip(context.start, -1.0, 1.0))
        yield Rest("wait_until_still", *self._still)
        yield Move(BEGIN_EPISODE, context.start, begins_episode=True, options={"peg": peg})
        if context.seed is None:
            yield state.save_begun(BEGIN_EPISODE, peg)

    def _choose(self, context: ResetContext, state: PegsState) -> PartsThatReturn[str]:
        """Return the peg of the episode; one that was drawn holds until its episode has begun."""
        wanted = str(context.options.get("peg", ALL))
        if wanted != ALL:
            return wanted
        if context.seed is not None:
            return peg_of_seed(self._pegs, context.seed)
        if not state.next:
            drawn = draw_peg(self._pegs, state.episodes, context.random)
            yield state.save("check_grasp", next=drawn)
        return state.next

    def _identify(self, state: PegsState) -> PartsThatReturn[str]:
        """Close the fingers on what is between them; return which peg it is, empty for none.

        A person is asked to take away what is no peg.
        """
        hand, width = yield from self._grasp_each(state.hand)
        if hand or width <= EMPTY:
            return hand
        grips = ", ".join(f"{peg} {1000 * grip:.1f} mm" for peg, grip in self._shelf.grips.items())
        unknown = f"it is {1000 * width:.1f} mm wide, the pegs are: {grips}"
        yield self._ask(f"hold what is in the hand ({unknown}); the fingers open once you answer")
        yield Grip("check_grasp", "release", width=self._shelf.open_width)
        yield state.save("check_grasp", hand="")
        yield self._ask("take it away, or put it into its place in the shelf if it is a peg")
        hand, width = yield from self._grasp_each("")
        if not hand and width > EMPTY:
            part = Grip("check_grasp", "grasp")
            raise PartFailed(part, f"what is in the hand is no peg: {1000 * width:.1f} mm wide")
        return hand

    def _grasp_each(self, expected: str) -> PartsThatReturn[tuple[str, float]]:
        """Grasp with the width of one peg after the other, first that of the expected one.

        Returns:
            The peg whose width it is, or empty; and the width of what is in the hand, metres.
        """
        pegs = sorted(self._pegs, key=lambda peg: peg != expected)
        width = 0.0
        for peg in pegs:
            try:
                result = yield self._grasp("check_grasp", peg)
            except PartFailed as failure:
                width = failure.result.width
                if math.isnan(width):
                    raise  # the gripper did not answer: what it holds is not known
                continue
            return peg, result.width
        return "", width

    def _ask(self, request: str) -> AskForHelp:
        return AskForHelp("check_grasp", request, self._shelf.help_timeout)

    def _grasp(self, stage: str, peg: str) -> Grip:
        return Grip(stage, "grasp", width=self._shelf.grips[peg], force=self._shelf.force)

    def _put_back(self, peg: str, state: PegsState) -> Parts:
        """Put a peg into its place in the shelf; the hand is above it, empty, afterwards.

        A person is asked to clear a place that the peg does not reach.
        """
        over, reason = self._shelf.over(peg), ""
        yield Move("put_back", over)
        for _ in range(self._shelf.retries):
            reason = yield from self._try_to_lower(peg)
            if not reason:
                break
        else:
            place, seconds = self._shelf.place(peg), self._shelf.help_timeout
            request = (
                f"clear place {place} of the shelf: the {peg} peg does not reach it ({reason})"
            )
            yield AskForHelp("put_back", request, seconds)
            yield Move("put_back", self._shelf.in_place(peg))
        yield Grip("put_back", "release", width=self._shelf.open_width)
        yield state.save("put_back", hand="")  # before the arm leaves what it would grasp again
        yield Move("put_back", over)

    def _try_to_lower(self, peg: str) -> PartsThatReturn[str]:
        """Lower a peg into its place; where it does not reach it, lift it and return why."""
        try:
            yield Move("put_back", self._shelf.in_place(peg))
        except PartFailed as failure:
            yield Move("put_back", movement="recover")  # an arm that was blocked may have a fault
            yield self._grasp("put_back", peg)  # and its hand may have lost the peg
            yield Move("put_back", self._shelf.over(peg))
            return failure.reason
        return ""

    def _take(self, peg: str, state: PegsState) -> Parts:
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

    def _try_to_take(self, peg: str, state: PegsState) -> PartsThatReturn[bool]:
        """Return whether a peg is in the hand after it was lifted; else the hand is empty."""
        over, in_place = self._shelf.over(peg), self._shelf.in_place(peg)
        yield Grip("take", "release", width=self._shelf.open_width)
        yield Move("take", over)
        yield Move("take", in_place)
        try:
            yield self._grasp("take", peg)
            yield state.save("take", hand=peg)
            yield Move("take", over)
            yield self._grasp("take", peg)
        except PartFailed as failure:
            if not isinstance(failure.part, Grip) or math.isnan(failure.result.width):
                raise
            yield Grip("take", "release", width=self._shelf.open_width)
            yield state.save("take", hand="")
            yield Move("take", over)
            return False
        return True
