"""The arm node, whose commands to the robot are checked by other means than its own.

It writes the worst that it has seen to the file that the environment variable WITNESS names.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np

from mentor_arm.backends.real_arm import RealArm, WallClock
from mentor_arm.limits import task_bounds
from mentor_arm.nodes import arm_node
from mentor_common.cell.cell_file import find_cell
from mentor_common.node.running import main as run_node
from mentor_common.tasks.task import Task

WRITTEN_EVERY = 1.0  # seconds
FLAT = 0.005  # metres; the bounds of a task that moves in a plane has no depth


class ReadClock(WallClock):
    """The machine's time, and when it was last asked for: a command belongs to that time."""

    last = 0.0

    def monotonic(self) -> float:  # type: ignore[override]
        """Return seconds that never go back."""
        self.last = time.monotonic()
        return self.last


class WitnessedArmNode(arm_node.RealArmNode):
    """The arm node, with a witness between its step and its driver."""

    def make_backend(self, task: Task) -> RealArm:
        """Make the backend, and listen to its commands and to the measured poses."""
        real = super().make_backend(task)
        clock = ReadClock()
        real._clock = clock
        bounds, limits = task_bounds(task, find_cell(self.text("cell_file"))), task.arm.limits
        tick = 1.0 / self.number("rate")
        driver, command = real.driver, real.driver.command
        last, velocity, before, gap_before = None, np.zeros(3), 0.0, 0.0
        written, path = 0.0, Path(os.environ["WITNESS"])
        counts = {"commands": 0, "after a stall": 0}
        worst = dict.fromkeys(("outside", "speed", "acceleration", "measured outside"), 0.0)
        guard: object = None
        # A robot may be found outside the bounds, and may then only come nearer.
        inside: set[str] = set()

        def watched(pose: np.ndarray, feed: np.ndarray | None = None) -> None:
            nonlocal last, velocity, before, gap_before, written, inside, guard
            command(pose, feed)
            counts["commands"] += 1
            now = clock.last
            gap, before = now - before, now
            if real._guard is not guard:  # connected or recovered: it begins where the arm is
                guard, last, inside = real._guard, None, set()
            measured = np.array([*driver.pose()[0], pose[3]])
            for name, place, slack in (
                ("outside", pose, 0.0), ("measured outside", measured, FLAT)
            ):  # fmt: skip
                outside = bounds.excess(place)
                if name in inside:
                    worst[name] = max(worst[name], outside)
                elif outside <= slack:
                    inside.add(name)
            if last is not None and gap < 0.5:
                new = (pose - last)[:3] / gap
                worst["speed"] = max(worst["speed"], float(np.linalg.norm(new)))
                if max(gap, gap_before) < 1.5 * tick:
                    change = float(np.linalg.norm(new - velocity)) / ((gap + gap_before) / 2.0)
                    worst["acceleration"] = max(worst["acceleration"], change)
                else:  # this process stood still; the motion went on from where it was
                    counts["after a stall"] += 1
                velocity = new
            elif real._guard is not None:  # the first command: where it began is not known here
                velocity, gap = real._guard.velocity[:3].copy(), real._guard._seconds
            last, gap_before = pose.copy(), gap
            if now - written > WRITTEN_EVERY:
                written = now
                limit = {"speed": limits.speed, "acceleration": limits.acceleration}
                text = json.dumps({"worst": worst, "counts": counts, "limits": limit})
                path.with_suffix(".new").write_text(text)
                path.with_suffix(".new").replace(path)

        driver.command = watched  # type: ignore[method-assign]
        return real


if __name__ == "__main__":
    run_node(WitnessedArmNode)
