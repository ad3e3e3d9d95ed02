"""The paper's simulated tasks, with what their suites say of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperTask:
    """One task: its id, simulator frames of an episode, and size of the action."""

    name: str
    frames: int
    actions: int

    @property
    def id(self) -> str:
        """The gymnasium id."""
        return f"mentor/{self.name}-v0"


PAPER_TASKS = [
    PaperTask("dmc-dog_stand", 1000, 38),
    PaperTask("dmc-dog_walk", 1000, 38),
    PaperTask("dmc-manipulator_bring_ball", 1000, 5),
    PaperTask("dmc-acrobot_swingup_sparse", 1000, 1),
    PaperTask("dmc-hopper_hop", 1000, 4),
    PaperTask("metaworld-assembly", 500, 4),
    PaperTask("metaworld-disassemble", 500, 4),
    PaperTask("metaworld-pick_place", 500, 4),
    PaperTask("metaworld-coffee_push_sparse", 500, 4),
    PaperTask("metaworld-soccer_sparse", 500, 4),
    PaperTask("metaworld-hammer_sparse", 500, 4),
    PaperTask("metaworld-mt5", 500, 4),
    PaperTask("adroit-door", 200, 28),
    PaperTask("adroit-hammer", 200, 26),
]
EXPERT_TASKS = [
    "assembly",
    "disassemble",
    "pick-place",
    "coffee-push",
    "soccer",
    "hammer",
]
"""Meta-World's six tasks of the paper."""
