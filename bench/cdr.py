"""What this project's CDR code saves against the client library's own.

``cdr/*``: time to write and read the messages of one step; the sides take turns, medians.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message

from mentor_common.messages.cdr import ObservationWriter, read_observation, write_action
from mentor_common.messages.experience import action_message, observation_message
from mentor_common.messages.frames import FrameLayout
from mentor_msgs.msg import Observation

PAIRS = 2000
LAYOUT = FrameLayout(("camera",), 3, 84, 84, True)


def microseconds(run: Callable[[], object]) -> float:
    """Return the time of one call, in microseconds."""
    begin = time.perf_counter()
    for _ in range(PAIRS // 20):
        run()
    return 1e6 * (time.perf_counter() - begin) / (PAIRS // 20)


def messages() -> None:
    """Print the time to write and read the messages of a step."""
    pixels = np.random.default_rng(0).integers(0, 256, LAYOUT.shape, np.uint8)
    action = np.zeros(4, np.float32)
    blank = observation_message(pixels, LAYOUT, 1, 1, Time(), task="bench")
    writer, raw = ObservationWriter(blank), serialize_message(blank)
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "action_written": (
            lambda: write_action(action, 1, 1, 0, "", 0, None),
            lambda: serialize_message(action_message(action, 1, 1, Time())),
        ),
        "observation_written": (
            lambda: writer.write(pixels, 1, 1, 0),
            lambda: serialize_message(
                observation_message(pixels, LAYOUT, 1, 1, Time(), task="bench")
            ),
        ),
        "observation_read": (
            lambda: read_observation(raw),
            lambda: deserialize_message(raw, Observation),
        ),
    }
    for name, (ours, theirs) in pairs.items():
        both = [(microseconds(ours), microseconds(theirs)) for _ in range(20)]
        report(f"cdr/{name}", *(statistics.median(side) for side in zip(*both, strict=True)))


def report(name: str, ours: float, theirs: float) -> None:
    """Print one line: our time, and its ratio to the client library's."""
    line = {"name": name, "value": round(ours, 1), "unit": "us", "ratio": round(ours / theirs, 3)}
    print(json.dumps({**line, "against": f"client library: {theirs:.1f} us"}), flush=True)


if __name__ == "__main__":
    messages()
