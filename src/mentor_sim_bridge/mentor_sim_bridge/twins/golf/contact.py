"""Contacts of the ball: with the club's head and with the border."""

from __future__ import annotations

import math
from dataclasses import dataclass

Vector = tuple[float, float]
GRAVITY = 9.81


@dataclass(frozen=True)
class Contact:
    """The ball touches something.

    Args:
        normal: towards the ball, of length 1.
        depth: metres by which they overlap.
        surface: velocity of the thing where they touch, m/s.
    """

    normal: Vector
    depth: float
    surface: Vector


@dataclass(frozen=True)
class Club:
    """The club's head at one time: a box that is taller than the ball.

    Args:
        x, y: its middle, metres.
        angle: about the vertical, radians; the face looks along (sin angle, -cos angle).
        vx, vy: velocity of its middle, m/s.
        turn: angular velocity about the vertical, rad/s.
        half_thickness, half_width: half its size along the stroke and across, metres.
    """

    x: float
    y: float
    angle: float
    vx: float
    vy: float
    turn: float
    half_thickness: float
    half_width: float

    def contact(self, x: float, y: float, radius: float) -> Contact | None:
        """Return how a ball at (x, y) touches the head; None: it does not."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        dx, dy = x - self.x, y - self.y
        ahead, aside = dx * sin - dy * cos, dx * cos + dy * sin
        near_ahead = min(max(ahead, -self.half_thickness), self.half_thickness)
        near_aside = min(max(aside, -self.half_width), self.half_width)
        off_ahead, off_aside = ahead - near_ahead, aside - near_aside
        gap = math.hypot(off_ahead, off_aside)
        if gap >= radius:
            return None
        if gap < 1e-9:  # the ball's middle is inside the head: out through the nearer face
            off_ahead, off_aside, gap = math.copysign(1.0, ahead), 0.0, 1.0
            depth = radius + self.half_thickness - abs(ahead)
        else:
            depth = radius - gap
        normal_x = (off_ahead * sin + off_aside * cos) / gap
        normal_y = (-off_ahead * cos + off_aside * sin) / gap
        face_x = near_ahead * sin + near_aside * cos
        face_y = -near_ahead * cos + near_aside * sin
        surface = (self.vx - self.turn * face_y, self.vy + self.turn * face_x)
        return Contact((normal_x, normal_y), depth, surface)


def bounce(
    velocity: Vector, side_spin: float, contact: Contact, impulse_factor: float, friction: float
) -> tuple[float, float, float] | None:
    """Return velocity and side spin after a collision; None: they are leaving each other.

    Args:
        velocity: velocity of the ball, m/s.
        side_spin: about the vertical, times the radius, m/s.
        contact: how they touch.
        impulse_factor: change of the ball's speed over the speed at which they met; 1 + restitution
            for a heavy thing.
        friction: coefficient along the surface; it ends the slip at most.
    """
    nx, ny = contact.normal
    vx, vy = velocity
    rx, ry = vx - contact.surface[0], vy - contact.surface[1]
    towards = -(rx * nx + ry * ny)
    if towards <= 0.0:
        return None
    change = impulse_factor * towards
    slip = -rx * ny + ry * nx - side_spin
    # A sphere's surface gains 1 + 5/2 times the speed that its middle gains.
    tangential = -math.copysign(min(friction * change, abs(slip) / 3.5), slip)
    vx, vy = vx + change * nx - tangential * ny, vy + change * ny + tangential * nx
    return vx, vy, side_spin - 2.5 * tangential


def gets_over(speed: float, spin: float, radius: float, height: float) -> bool:
    """Return whether a ball gets over a step that is lower than its middle.

    It turns about the step's edge, about which it keeps its angular momentum, and gets over if the
    energy of that turning lifts it.

    Args:
        speed: towards the step, m/s.
        spin: forwards, rad/s.
        radius: radius of the ball, metres.
        height: height of the step, metres.
    """
    turning = (speed * (radius - height) + 0.4 * radius**2 * spin) / (1.4 * radius**2)
    return turning > 0.0 and 0.7 * radius**2 * turning**2 >= GRAVITY * height
