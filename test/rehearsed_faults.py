"""The faults of a real cell, brought about in its rehearsal: cause, who names it, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from rehearsed_cell import RehearsedCell
from std_srvs.srv import SetBool, Trigger

from mentor_common.cell.rehearsal_place import rehearsal_address

ROBOT = r"of the robot at 127\."
AWAY = 4.0  # seconds for which a killed node stays away: its lease is over then
CLIENT = """
import sys, time, franky
while True:
    try:
        robot = franky.Robot(sys.argv[1], realtime_config=franky.RealtimeConfig.Ignore)
        print("connected", flush=True)
        time.sleep(600)
    except franky.NetworkException:
        time.sleep(0.05)
"""


def nothing(cell: RehearsedCell) -> None:
    """The fault ends by itself."""


@dataclass(frozen=True)
class Fault:
    """A fault of the cell.

    Args:
        name: what happens.
        cause: brings it about, in a running episode.
        named: what one line of a node's log, or the agent's reason, matches.
        end: what a person does then; nothing else is started.
        started: nodes that cause and end start again.
        invalid: whether the running episode is truncated and not learned from.
    """

    name: str
    cause: Callable[[RehearsedCell], object]
    named: str
    end: Callable[[RehearsedCell], object] = nothing
    started: tuple[str, ...] = ()
    invalid: bool = True


def power(on: bool) -> Callable[[RehearsedCell], object]:
    """Return what switches the control box on or off."""
    return lambda cell: cell.call(SetBool, "/rehearsal/power", SetBool.Request(data=on))


def power_cycled(cell: RehearsedCell) -> None:
    power(False)(cell)
    time.sleep(2.0)
    power(True)(cell)


def box_not_there_at_start(cell: RehearsedCell) -> None:
    power(False)(cell)
    cell.kill("arm")
    since = len(cell.text())
    cell.start("arm")
    assert cell.says("refused", since), cell.text()[since:]


clients: list[subprocess.Popen[bytes]] = []


def second_client(cell: RehearsedCell) -> None:
    """The arm node finds the box in another client's hands."""
    cell.kill("arm")
    command = [sys.executable, "-c", CLIENT, rehearsal_address("")]
    client = subprocess.Popen(command, stdout=subprocess.PIPE)
    clients.append(client)
    assert client.stdout is not None and client.stdout.readline() == b"connected\n"
    since = len(cell.text())
    cell.start("arm")
    assert cell.says("another client", since), cell.text()[since:]


def end_client(cell: RehearsedCell) -> None:
    client = clients.pop()
    client.kill()
    client.communicate()


def cameras(parameter: str, value: str | float) -> Callable[[RehearsedCell], object]:
    """Return what sets a parameter of the rehearsal's cameras."""
    return lambda cell: cell.set("rehearsal", parameter, value)


def killed(name: str, named: str, *, invalid: bool = True) -> Fault:
    """Return a node's death by kill -9; whoever starts nodes starts it again."""
    return Fault(
        f"{name} killed", lambda cell: cell.kill(name), named, lambda cell: back(cell, name),
        (name,), invalid,
    )  # fmt: skip


def back(cell: RehearsedCell, name: str) -> None:
    time.sleep(AWAY)
    cell.start(name)


FAULTS = (
    Fault("box killed", lambda cell: os.kill(cell.box(), signal.SIGKILL), ROBOT),
    Fault("power cycled", power_cycled, ROBOT),
    Fault(
        "box not there at start", box_not_there_at_start,
        rf"network error {ROBOT}.*refused", power(True), ("arm",),
    ),
    Fault(
        "second client", second_client,
        r"control box at 127\..* does not answer for 4 s; is another client connected",
        end_client, ("arm",),
    ),
    Fault(
        "camera unplugged", cameras("unplugged", "slot_1"),
        r"camera 'slot_1' has sent no frame", cameras("unplugged", ""),
    ),
    Fault(
        "camera with another serial", cameras("swapped", "slot_2"),
        r"camera 'slot_2': serial rehearsal_slot_2 is not connected; connected: other_slot_2",
        cameras("swapped", ""),
    ),
    Fault(
        "wrong-sized frames", cameras("cut", "side"),
        r"camera 'side': an image of \d+x\d+ pixels; the task file has captures of",
        cameras("cut", ""),
    ),
    Fault(
        "clock 2 s ahead", cameras("camera_clock_offset", 2.0),
        r"camera '\w+' .*stamped [12]\.\d+ s in the future", cameras("camera_clock_offset", 0.0),
    ),
    Fault(
        "clock 2 s behind", cameras("camera_clock_offset", -2.0),
        r"camera '\w+' .*frames are [12]\.\d+ s old", cameras("camera_clock_offset", 0.0),
    ),
    Fault(
        "held by a person", lambda cell: cell.call(Trigger, "/hold", Trigger.Request()),
        r"held by a person",
        lambda cell: cell.call(SetBool, "/armed", SetBool.Request(data=True)),
    ),
    killed("arm", r"nobody (receives /action|publishes /motion|serves .*/move_to)"),
    killed("camera_side", r"nobody publishes /camera/side|camera 'side'"),
    killed("camera_slot_1", r"nobody publishes /camera/slot_1|camera 'slot_1'"),
    killed("camera_slot_2", r"nobody publishes /camera/slot_2|camera 'slot_2'"),
    killed("stacker", r"nobody (publishes /observation|receives /motion).*stacker"),
    killed("reward", r"nobody publishes /reward|/reward, which published /reward, is gone"),
    killed("reset", r"nobody serves .*reset_episode|reset_episode.* is gone", invalid=False),
    killed("rehearsal", ROBOT),
)  # fmt: skip
