"""What an evaluation does to the cell that training never did (Fig. 7 of the paper, and more)."""

from __future__ import annotations

from enum import Enum

STIFFER = 2.0
PULL, MOST_PULL, SLICE = 0.05, 2.0, 0.05
"""Newtons on each segment in and beside the slot by which a pull grows in each SLICE seconds, first
upwards, then aside, and at most."""
REACH = 0.025
"""Metres beyond the slot's ends within which segments are pulled."""
PUSH = 0.5
"""How far the arm is pushed, normalised, aside and upwards."""


class Disturbance(Enum):
    """What happens to an episode; the values are those of the reset option `disturbance`."""

    NONE = "none"
    CABLE_PULLED_OUT = "cable_pulled_out"
    """Once, when slot 1 has been filled for five steps, the cable is pulled out of it."""
    ARM_PUSHED = "arm_pushed"
    """As soon as slot 1 is filled, once, the arm is pushed aside and upwards, and stays there."""
    CAMERA_BUMPED = "camera_bumped"
    """Every camera sees the cell moved by BUMP pixels, and darker."""
    UNSEEN_VISUALS = "unseen_visuals"
    """Colours and light of the third of their ranges that training never sees."""
    STIFF_CABLE = "stiff_cable"
    """The cable is twice as stiff as sampled."""

    @property
    def within_episode(self) -> bool:
        """Whether it happens in the middle of an episode."""
        return self.filled_steps > 0

    @property
    def filled_steps(self) -> int:
        """How many steps on end slot 1 is filled before it happens within an episode; 0: never."""
        return {Disturbance.CABLE_PULLED_OUT: 5, Disturbance.ARM_PUSHED: 1}.get(self, 0)
