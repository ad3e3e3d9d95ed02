"""The true slot states as the twin publishes them; only evaluation and tests may use them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from std_msgs.msg import String

from mentor_common.messages.topics import truth
from mentor_common.tasks.cable_routing import Slot1, Slot2

TRUE_STATES = truth("slot_states", String)


@dataclass(frozen=True)
class TrueStates:
    """States of both slots after a step."""

    episode: int
    step: int
    slot_1: Slot1
    slot_2: Slot2


def read_true_states(message: String) -> TrueStates:
    """Reads the JSON object ``{"episode", "step", "slot_1", "slot_2"}``."""
    fields = json.loads(message.data)
    return TrueStates(
        int(fields["episode"]),
        int(fields["step"]),
        Slot1(fields["slot_1"]),
        Slot2(fields["slot_2"]),
    )
