"""The section ``arm`` of a task file: how stiff a real arm is held, and what it may do at most."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from mentor_common.tasks.yaml_fields import Fields


@dataclass(frozen=True)
class Impedance:
    """Of the end effector; N/m, N s/m, N m/rad, N m s/rad. The defaults are those of the twins."""

    stiffness: float = 1200.0
    damping: float = 90.0
    rotational_stiffness: float = 60.0
    rotational_damping: float = 5.0


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

    speed: float = 0.3
    acceleration: float = 3.0
    turn_speed: float = 1.5
    turn_acceleration: float = 12.0
    step: float = 0.06
    turn: float = 0.6
    lead: float = 1.0
    lead_turn: float = 3.0


@dataclass(frozen=True)
class Contact:
    """When touching something is a fault.

    Args:
        torque: threshold of the robot's own collision reflex, N m in each joint.
        force: threshold of that reflex along each axis, N.
        stop_force: external force at which the arm node stops by itself, N; below the reflex.
        reach_error: distance from its commanded pose at the end of a motion, metres.
    """

    torque: float = 25.0
    force: float = 40.0
    stop_force: float = 30.0
    reach_error: float = 0.03


@dataclass(frozen=True)
class ArmSection:
    """The section ``arm``; every key has a default."""

    impedance: Impedance = Impedance()
    limits: MotionLimits = MotionLimits()
    contact: Contact = Contact()


HIGHEST = {
    "stiffness": 3000.0, "damping": 500.0, "rotational_stiffness": 300.0,
    "rotational_damping": 100.0, "speed": 1.7, "acceleration": 13.0, "turn_speed": 2.5,
    "turn_acceleration": 25.0, "step": 0.5, "turn": 3.0, "lead": 1.0, "lead_turn": 3.0,
    "torque": 87.0, "force": 100.0, "stop_force": 100.0, "reach_error": 0.2,
}  # fmt: skip
"""What the robot's own limits leave, by key."""


def read_arm(top: Fields) -> ArmSection:
    """Read the section ``arm`` if it is there. Raises: TaskError."""
    section = top.section("arm", optional=True)
    parts: dict[str, Any] = {
        "impedance": Impedance, "limits": MotionLimits, "contact": Contact
    }  # fmt: skip
    for name, kind in parts.items():
        one = section.section(name, optional=True)
        numbers = {
            field.name: one.number(field.name, 0.0, HIGHEST[field.name], above=True)
            for field in fields(kind)
            if one.has(field.name)
        }
        one.end()
        parts[name] = kind(**numbers)
    section.end()
    return ArmSection(**parts)
