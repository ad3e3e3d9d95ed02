"""The reward module of the cable routing task: slot states -> eq. 7, success, the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mentor_common.messages.frames import FrameLayout
from mentor_common.tasks.cable_routing import (
    CableReward,
    Slot1,
    Slot2,
    is_success,
    reward_terms,
)
from mentor_reward.classifier.slots import SLOTS

if TYPE_CHECKING:  # torch takes seconds to import, and is not needed for true states
    from mentor_reward.classifier.slot_classifier import Measured, SlotClassifier


@dataclass(frozen=True)
class JudgedStep:
    """Verdict on one step, with the fields of mentor_msgs/Reward."""

    value: float
    terms: Mapping[str, float] = field(default_factory=dict)
    truncated: bool = False
    success: bool = False
    valid: bool = True
    reason: str = ""


def judge_states(
    slot_1: Slot1 | int,
    slot_2: Slot2 | int,
    step: int,
    max_steps: int,
    table: CableReward | None = None,
) -> JudgedStep:
    """Eq. 7 for the states after ``step``; truncated at ``max_steps``, never terminated.

    ``table`` holds the rewards of a task file; None: those of App. C.3 and Table 3.
    """
    if table is None:
        terms, success = reward_terms(slot_1, slot_2), is_success(slot_1, slot_2)
    else:
        terms, success = table.terms(slot_1, slot_2), table.is_success(slot_1, slot_2)
    return JudgedStep(
        value=sum(terms.values()), terms=terms, truncated=step >= max_steps, success=success
    )


def judge_fault(reason: str) -> JudgedStep:
    """A step from which nothing may be learned: it ends the episode as truncated."""
    return JudgedStep(value=0.0, truncated=True, valid=False, reason=reason)


class SlotStateReader:
    """Reads the states of both slots from the last frames of the cameras.

    Args:
        classifiers: one per slot camera.
        layout: layout of the observations.

    Raises:
        ValueError: the observations lack a camera that is looked at.
    """

    def __init__(self, classifiers: Mapping[str, SlotClassifier], layout: FrameLayout) -> None:
        self._classifiers = {camera: classifiers[camera] for camera in SLOTS}
        looked_at = {name for each in self._classifiers.values() for name in each.cameras}
        self._planes = {camera: _last_frame(layout, camera) for camera in sorted(looked_at)}
        self._shape = layout.shape

    def read(self, pixels: np.ndarray) -> tuple[Slot1, Slot2]:
        """States seen in an observation's pixels (cameras * frames * 3, 84, 84) uint8."""
        if pixels.shape != self._shape or pixels.dtype != np.uint8:
            raise ValueError(
                f"slot states: pixels are {pixels.dtype} {pixels.shape}, not uint8 {self._shape}"
            )
        frames = {camera: pixels[planes] for camera, planes in self._planes.items()}
        measured: Measured = {}
        first, second = (each.see(frames, measured) for each in self._classifiers.values())
        return Slot1(first), Slot2(second)


def _last_frame(layout: FrameLayout, camera: str) -> slice:
    """Planes of the frame at the end of the motion, from which a step is judged."""
    if camera not in layout.cameras:
        raise ValueError(
            f"slot states: the observations lack camera '{camera}', have {list(layout.cameras)}"
        )
    frame = layout.cameras.index(camera) * layout.frames + layout.frames - 1
    return slice(3 * frame, 3 * frame + 3)
