"""What an evaluation does to the cell that training never did (Fig. 7 of the paper, and more)."""

from __future__ import annotations

from enum import Enum

PUSH = 0.6
"""How far the arm is pushed, normalised: away from the ball along the court, then aside."""
NEAR = 0.09
"""Distance between the club's middle and a ball that lies still at which the arm is pushed,
metres."""


class Disturbance(Enum):
    """What happens to an episode; the values are those of the reset option `disturbance`."""

    NONE = "none"
    ARM_PUSHED = "arm_pushed"
    """As the club stands at the ball, once, the arm is pushed back and aside, and stays there
    (Fig. 7)."""
    CAMERA_BUMPED = "camera_bumped"
    """Every camera sees the cell moved by some pixels, and darker."""
    UNSEEN_VISUALS = "unseen_visuals"
    """Colours and light of the third of their ranges that training never sees."""

    @property
    def within_episode(self) -> bool:
        """Whether it happens in the middle of an episode."""
        return self is Disturbance.ARM_PUSHED
