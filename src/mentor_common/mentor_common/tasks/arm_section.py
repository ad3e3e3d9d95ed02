"""The section ``arm`` of a task file: how stiff a real arm is held, and what it may do at most."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from mentor_common.tasks.yaml_fields import Fields

Part = TypeVar("Part", "Impedance", "MotionLimits", "Contact")
HIGHEST = "highest"
"""Key in a field's metadata: the largest value that the robot's own limits leave."""


def bounded(default: float, highest: float | None = None) -> Any:
    """Return a field whose values are above 0 and at most ``highest``; None: the default is."""
    return field(default=default, metadata={HIGHEST: highest or default})


@dataclass(frozen=True)
class MotionLimits:
    """What commanded poses may do.

    Args:
        speed: metres per second.
        acceleration: metres per second squared.
        turn_speed: radians per second.
        turn_acceleration: radians per second squared.
        step: way of one action, metres.
        turn: rotation of one action, radians.
        lead: distance along each axis by which the place to which an action sends the arm may be
            ahead of where it is, metres: an arm that is blocked then presses with stiffness times
            lead at most, however often it is sent on.
        lead_turn: the same for the rotation, radians.
    """

    speed: float = bounded(0.3, 1.7)
    acceleration: float = bounded(3.0, 13.0)
    turn_speed: float = bounded(1.5, 2.5)
    turn_acceleration: float = bounded(12.0, 25.0)
    step: float = bounded(0.06, 0.5)
    turn: float = bounded(0.6, 3.0)
    lead: float = bounded(1.0)
    lead_turn: float = bounded(3.0)


@dataclass(frozen=True)
class Impedance:
    """The end effector's impedance: N/m, N s/m, N m/rad, N m s/rad; the defaults are the twins'."""

    stiffness: float = bounded(1200.0, 3000.0)
    damping: float = bounded(90.0, 500.0)
    rotational_stiffness: float = bounded(60.0, 300.0)
    rotational_damping: float = bounded(5.0, 100.0)


@dataclass(frozen=True)
class Contact:
    """When touching something is a fault.

    Args:
        torque: threshold of the robot's own collision reflex, N m in each joint.
        force: threshold of that reflex along each axis, N.
        stop_force: external force at which the arm node stops by itself, N; below the reflex.
        reach_error: distance from its commanded pose at the end of a motion, metres.
    """

    torque: float = bounded(25.0, 87.0)
    force: float = bounded(40.0, 100.0)
    stop_force: float = bounded(30.0, 100.0)
    reach_error: float = bounded(0.03, 0.2)


def read_part(section: Fields, name: str, kind: type[Part]) -> Part:
    """Read a part of the section; what it leaves out has its default. Raises: TaskError."""
    part = section.section(name, optional=True)
    numbers = {
        key.name: part.number(key.name, 0.0, key.metadata[HIGHEST], above=True)
        for key in fields(kind)
        if part.has(key.name)
    }
    part.end()
    return kind(**numbers)


@dataclass(frozen=True)
class ArmSection:
    """The section ``arm``; every key has a default."""

    impedance: Impedance = Impedance()
    limits: MotionLimits = MotionLimits()
    contact: Contact = Contact()


def read_arm(top: Fields) -> ArmSection:
    """Read the section ``arm`` if it is there. Raises: TaskError."""
    section = top.section("arm", optional=True)
    read = ArmSection(
        read_part(section, "impedance", Impedance),
        read_part(section, "limits", MotionLimits),
        read_part(section, "contact", Contact),
    )
    section.end()
    return read
