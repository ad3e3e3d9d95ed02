"""The section ``arm`` of a task file: how stiff a real arm is held, and what it may do at most."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from mentor_common.tasks.yaml_fields import Fields

HIGHEST = "highest"
"""Key in a field's metadata: the largest value that the robot's own limits leave."""


def bounded(default: float, highest: float) -> Any:
    """Return a field whose values are above 0 and at most ``highest``."""
    return field(default=default, metadata={HIGHEST: highest})


@dataclass(frozen=True)
class Impedance:
    """Of the end effector; N/m, N s/m, N m/rad, N m s/rad. The defaults are those of the twins."""

    stiffness: float = bounded(1200.0, 3000.0)
    damping: float = bounded(90.0, 500.0)
    rotational_stiffness: float = bounded(60.0, 300.0)
    rotational_damping: float = bounded(5.0, 100.0)


@dataclass(frozen=True)
class MotionLimits:
    """What commanded poses may do."""

    speed: float = bounded(0.3, 1.7)
    """Metres per second."""
    acceleration: float = bounded(3.0, 13.0)
    """Metres per second squared."""
    turn_speed: float = bounded(1.5, 2.5)
    """Radians per second."""
    turn_acceleration: float = bounded(12.0, 25.0)
    """Radians per second squared."""
    step: float = bounded(0.06, 0.5)
    """Way of one action, metres."""
    turn: float = bounded(0.6, 3.0)
    """Rotation of one action, radians."""
    lead: float = bounded(1.0, 1.0)
    """Distance along each axis by which the place to which an action sends the arm may be ahead of
    where it is, metres: an arm that is blocked then presses with stiffness times lead at most,
    however often it is sent on."""
    lead_turn: float = bounded(3.0, 3.0)
    """The same for the rotation, radians."""


@dataclass(frozen=True)
class Contact:
    """When touching something is a fault."""

    torque: float = bounded(25.0, 87.0)
    """Threshold of the robot's own collision reflex, N m in each joint."""
    force: float = bounded(40.0, 100.0)
    """Threshold of that reflex along each axis, N."""
    stop_force: float = bounded(30.0, 100.0)
    """External force at which the arm node stops by itself, N; below the reflex."""
    reach_error: float = bounded(0.03, 0.2)
    """Distance from its commanded pose at the end of a motion, metres."""


@dataclass(frozen=True)
class ArmSection:
    """The section ``arm``; every key has a default."""

    impedance: Impedance = Impedance()
    limits: MotionLimits = MotionLimits()
    contact: Contact = Contact()


def read_arm(top: Fields) -> ArmSection:
    """Read the section ``arm`` if it is there. Raises: TaskError."""
    section = top.section("arm", optional=True)
    parts: dict[str, Any] = {
        "impedance": Impedance, "limits": MotionLimits, "contact": Contact
    }  # fmt: skip
    for name, kind in parts.items():
        one = section.section(name, optional=True)
        numbers = {
            key.name: one.number(key.name, 0.0, key.metadata[HIGHEST], above=True)
            for key in fields(kind)
            if one.has(key.name)
        }
        one.end()
        parts[name] = kind(**numbers)
    section.end()
    return ArmSection(**parts)
