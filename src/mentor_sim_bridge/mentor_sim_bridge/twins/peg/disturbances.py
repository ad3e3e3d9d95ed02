"""What an evaluation does to the cell that training never did (Fig. 7 of the paper, and more)."""

from __future__ import annotations

from enum import Enum

PUSH = 0.6
"""How far the arm is pushed off, normalised, aside and upwards."""
BOARD_MOVED = 0.010
"""Metres by which the board is moved."""
NEAR = 0.025
"""Distance between the peg's lower end and the socket's upper edge at which it happens, metres."""


class Disturbance(Enum):
    """What happens to an episode; the values are those of the reset option `disturbance`."""

    NONE = "none"
    ARM_PUSHED = "arm_pushed"
    """As the peg nears its socket, once, the arm is pushed far aside and upwards, and stays there
    (Fig. 7)."""
    BOARD_MOVED = "board_moved"
    """As the peg nears its socket, once, the board is moved by BOARD_MOVED in a direction that the
    episode draws."""
    CAMERA_BUMPED = "camera_bumped"
    """Every camera sees the cell moved by a few pixels, and darker."""
    UNSEEN_VISUALS = "unseen_visuals"
    """Colours and light of the third of their ranges that training never sees."""

    @property
    def within_episode(self) -> bool:
        """Whether it happens in the middle of an episode."""
        return self in (Disturbance.ARM_PUSHED, Disturbance.BOARD_MOVED)
