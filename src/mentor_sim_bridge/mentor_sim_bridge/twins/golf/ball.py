"""The golf ball on the felt: it slides, rolls, spins, bounces, falls into hole, water and gutter.

A model of its own instead of MuJoCo's contacts: those know no rolling resistance that is constant
over the speed, their restitution depends on the step of time, and a sphere of 5 ms steps creeps on
a plane. Here each phase has its closed solution, and the energy can only fall but for the club.

Sources of the constants' ranges:
- R. A. Penner, The physics of putting, Can. J. Phys. 80 (2002): a struck ball slides, then rolls at
  5/7 of its speed.
- B. W. Holmes, Putting: how a golf ball and hole interact, Am. J. Phys. 59 (1991): a ball is caught
  if it has fallen by its radius before it meets the far rim; Stimpmeter, 1.83 m/s at its end.
- USGA, Stimpmeter instruction booklet: greens roll 4.5 to 14 ft, most of them 7 to 12 ft.
- S. Mathavan et al., Proc. IMechE C 224 (2010): cushion and ball, restitution 0.98, friction 0.14.
- Rules of golf, equipment: at most 45.93 g, at least 42.67 mm; restitution of club and ball at most
  0.83.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from mentor_common.tasks.golf_court import BallPlace, Court
from mentor_sim_bridge.twins.golf.ground import Ground

GRAVITY = 9.81
STIMPMETER_SPEED, FOOT = 1.83, 0.3048
"""Speed (m/s) at which a Stimpmeter lets a ball go; metres of a foot."""
FINE = 0.001
"""Longest step over hole and water, seconds."""
SETTLE = 4.0
"""Share of its speed that a ball loses in each second at the bottom of hole, water or gutter."""


@dataclass(frozen=True)
class BallConfig:
    """What does not change from episode to episode.

    Args:
        mass: kg.
        sliding_friction: coefficient of ball and felt.
        spin_deceleration: of the spin about the vertical, rad/s^2.
        border_height: metres above the felt.
        border_restitution: of the border.
        border_friction: coefficient of ball and border.
        club_restitution: of the club's face.
        club_mass: effective mass of head and arm, kg.
        hole_depth: metres by which the ball's middle is lower in the hole.
        water_depth: the same of the water.
        gutter_depth: the same of the gutter beyond the border.
        gutter_width: from the border's inner side to the gutter's middle, metres.
    """

    mass: float
    sliding_friction: float
    spin_deceleration: float
    border_height: float
    border_restitution: float
    border_friction: float
    club_restitution: float
    club_mass: float
    hole_depth: float
    water_depth: float
    gutter_depth: float
    gutter_width: float


@dataclass(frozen=True)
class Club:
    """The club's head at one moment: a box that is taller than the ball.

    Args:
        x, y: of its middle, metres.
        angle: about the vertical, radians; the face looks along (sin angle, -cos angle).
        vx, vy: of its middle, m/s.
        turn: rad/s.
        half_thickness, half_width: along the stroke and across, metres.
    """

    x: float
    y: float
    angle: float
    vx: float
    vy: float
    turn: float
    half_thickness: float
    half_width: float


def stimp_deceleration(feet: float) -> float:
    """Return the deceleration (m/s^2) of a ball on a green on which it rolls so many feet."""
    return STIMPMETER_SPEED**2 / (2.0 * feet * FOOT)


class Ball:
    """The state of the ball, and its motion.

    Args:
        court: its geometry.
        config: constants.
        ground: unevenness of the felt.
        deceleration: of rolling on level felt, m/s^2.
    """

    def __init__(
        self, court: Court, config: BallConfig, ground: Ground, deceleration: float
    ) -> None:
        self.court, self.config, self.ground = court, config, ground
        self.deceleration = deceleration
        self.place = BallPlace.ON_COURT
        self.x = self.y = self.vx = self.vy = 0.0
        self.sink = self.fall = 0.0
        """Metres below the felt, and m/s downwards."""
        self.spin_x = self.spin_y = self.spin_z = 0.0
        self.hits = 0
        """Contacts with the club so far."""
        self._radius = court.ball_radius

    def lay(self, x: float, y: float) -> None:
        """Lay the ball onto the court, at rest."""
        self.place = BallPlace.ON_COURT
        self.x, self.y, self.sink, self.fall = x, y, 0.0, 0.0
        self.vx = self.vy = self.spin_x = self.spin_y = self.spin_z = 0.0

    def roll(self, vx: float, vy: float) -> None:
        """Have the ball roll with a velocity, m/s."""
        self.vx, self.vy = vx, vy
        self.spin_x, self.spin_y = -vy / self._radius, vx / self._radius

    @property
    def speed(self) -> float:
        """Metres per second."""
        return math.hypot(self.vx, self.vy)

    @property
    def energy(self) -> float:
        """Return kinetic energy and potential energy, J; the felt's zero is the ground's."""
        turning = 0.4 * self._radius**2 * (self.spin_x**2 + self.spin_y**2 + self.spin_z**2)
        moving = self.vx**2 + self.vy**2 + self.fall**2
        height = self.ground.height(self.x, self.y) - self.sink
        return self.config.mass * (0.5 * (moving + turning) + GRAVITY * height)

    def advance(self, seconds: float, club: Club | None = None) -> None:
        """Let time pass.

        Args:
            seconds: at most a few hundredths.
            club: where it is; None: away.
        """
        if self.place is BallPlace.COLLECTED:
            return
        if self.place is not BallPlace.ON_COURT:
            self._settle(seconds)
            return
        if club is not None:
            self._meet_club(club)
        left = seconds
        while left > 0.0 and self.place is BallPlace.ON_COURT:
            near = self.sink > 0.0 or self._near_pit(seconds)
            step = min(left, FINE) if near else left
            left -= step
            if self.sink > 0.0 or self._unsupported():
                self._fall(step)
            else:
                self._slide_and_roll(step)
            self._meet_border()

    # On the felt.

    def _slide_and_roll(self, seconds: float) -> None:
        """Slide until the ball rolls, then roll; both have a closed solution."""
        radius = self._radius
        slip_x = self.vx - radius * self.spin_y
        slip_y = self.vy + radius * self.spin_x
        slip = math.hypot(slip_x, slip_y)
        decline = self.config.spin_deceleration * seconds
        self.spin_z = math.copysign(max(0.0, abs(self.spin_z) - decline), self.spin_z)
        friction = self.config.sliding_friction * GRAVITY
        sliding = min(seconds, slip / (3.5 * friction))
        if slip > 1e-9 and sliding > 0.0:
            ax, ay = -friction * slip_x / slip, -friction * slip_y / slip
            self.x += self.vx * sliding + 0.5 * ax * sliding**2
            self.y += self.vy * sliding + 0.5 * ay * sliding**2
            self.vx += ax * sliding
            self.vy += ay * sliding
            # The torque of the friction, over 2/5 of mass and radius squared.
            self.spin_x += 2.5 / radius * ay * sliding
            self.spin_y -= 2.5 / radius * ax * sliding
        if sliding < seconds:
            self._roll(seconds - sliding)

    def _roll(self, seconds: float) -> None:
        """Roll; the new speed is that of the energy which is left, so that none can be won."""
        x, y, vx, vy = self.x, self.y, self.vx, self.vy
        speed = math.hypot(vx, vy)
        rise_x, rise_y = self.ground.slope(x, y)
        down_x, down_y = -GRAVITY / 1.4 * rise_x, -GRAVITY / 1.4 * rise_y
        resistance = self.deceleration
        if speed < 1e-9:
            if math.hypot(down_x, down_y) <= resistance:
                self.vx = self.vy = self.spin_x = self.spin_y = 0.0
                return
            along_x, along_y = down_x, down_y
        else:
            along_x, along_y = vx, vy
        length = math.hypot(along_x, along_y)
        ax = down_x - resistance * along_x / length
        ay = down_y - resistance * along_y / length
        new_x, new_y = vx + ax * seconds, vy + ay * seconds
        if new_x * vx + new_y * vy <= 0.0 and speed >= 1e-9:
            seconds *= speed**2 / (speed**2 - (new_x * vx + new_y * vy))  # it stops within the step
            new_x = new_y = 0.0
        self.x = x + vx * seconds + 0.5 * ax * seconds**2
        self.y = y + vy * seconds + 0.5 * ay * seconds**2
        way = math.dist((x, y), (self.x, self.y))
        rise = self.ground.height(self.x, self.y) - self.ground.height(x, y)
        left = speed**2 - 2.0 * resistance * way - GRAVITY / 0.7 * rise
        new = math.hypot(new_x, new_y)
        if left <= 0.0 or new == 0.0:
            self.roll(0.0, 0.0)
        else:
            scale = math.sqrt(left) / new
            self.roll(new_x * scale, new_y * scale)

    # Hole and water.

    def _depth(self) -> float:
        """How far the ball's middle is beyond the edge of hole or water, metres; < 0: on felt."""
        court, at = self.court, (self.x, self.y)
        return max(court.hole_radius - math.dist(at, court.hole), court.water.depth(at))

    def _near_pit(self, seconds: float) -> bool:
        return self._depth() > -self.speed * seconds - 1e-9

    def _unsupported(self) -> bool:
        return self._depth() > 0.0

    def _fall(self, seconds: float) -> None:
        """Fly over hole or water; caught once the ball's middle is below the edge."""
        if self._depth() > 0.0:
            self.fall += GRAVITY * seconds
            self.sink += self.fall * seconds
            self.x += self.vx * seconds
            self.y += self.vy * seconds
            if self.sink >= self._radius:
                in_hole = math.dist((self.x, self.y), self.court.hole) <= self.court.hole_radius
                self.place = BallPlace.IN_HOLE if in_hole else BallPlace.IN_WATER
            return
        # The far edge: what is left of the speed must lift the ball out again.
        left = self.vx**2 + self.vy**2 - 2.0 * GRAVITY * self.sink
        speed = self.speed
        if left <= 0.0 or speed == 0.0:
            hole = math.dist((self.x, self.y), self.court.hole) < 2.0 * self.court.hole_radius
            self.place = BallPlace.IN_HOLE if hole else BallPlace.IN_WATER
            return
        scale = math.sqrt(left) / speed
        self.vx, self.vy = self.vx * scale, self.vy * scale
        self.spin_x, self.spin_y = self.spin_x * scale, self.spin_y * scale
        self.sink = self.fall = 0.0

    # Border and club.

    def _meet_border(self) -> None:
        """Bounce off a border, or roll over it.

        Over a step lower than its middle a ball gets if it turns about the step's edge with energy
        enough: its angular momentum about the edge is kept.
        """
        region = self.court.inside.grown(-self._radius)
        for axis, (low, high) in enumerate(zip(region.low, region.high, strict=True)):
            at = (self.x, self.y)[axis]
            if low <= at <= high:
                continue
            outwards = -1.0 if at < low else 1.0
            towards = outwards * (self.vx, self.vy)[axis]
            if towards > 0.0:
                spin = outwards * (self.spin_y if axis == 0 else -self.spin_x)
                if self._gets_over(towards, spin):
                    self.place = BallPlace.OUT
                    return
                normal = (-outwards, 0.0) if axis == 0 else (0.0, -outwards)
                config = self.config
                self._bounce(
                    normal, config.border_restitution, config.border_friction, math.inf, (0.0, 0.0)
                )
            if axis == 0:
                self.x = min(max(self.x, low), high)
            else:
                self.y = min(max(self.y, low), high)

    def _gets_over(self, speed: float, spin: float) -> bool:
        radius, height = self._radius, self.config.border_height
        turning = (speed * (radius - height) + 0.4 * radius**2 * spin) / (1.4 * radius**2)
        return turning > 0.0 and 0.7 * radius**2 * turning**2 >= GRAVITY * height

    def _meet_club(self, club: Club) -> None:
        """Be struck or pushed by the club, which the ball does not slow down."""
        cos, sin = math.cos(club.angle), math.sin(club.angle)
        dx, dy = self.x - club.x, self.y - club.y
        ahead, aside = dx * sin - dy * cos, dx * cos + dy * sin
        near_ahead = min(max(ahead, -club.half_thickness), club.half_thickness)
        near_aside = min(max(aside, -club.half_width), club.half_width)
        off_ahead, off_aside = ahead - near_ahead, aside - near_aside
        gap = math.hypot(off_ahead, off_aside)
        if gap >= self._radius:
            return
        if gap < 1e-9:  # the ball's middle is inside the head: out through the nearer face
            off_ahead, off_aside, gap = math.copysign(1.0, ahead), 0.0, 1.0
            depth = self._radius + club.half_thickness - abs(ahead)
        else:
            depth = self._radius - gap
        normal = (
            (off_ahead * sin + off_aside * cos) / gap,
            (-off_ahead * cos + off_aside * sin) / gap,
        )
        face_x = near_ahead * sin + near_aside * cos
        face_y = -near_ahead * cos + near_aside * sin
        face = (club.vx - club.turn * face_y, club.vy + club.turn * face_x)
        config = self.config
        if self._bounce(normal, config.club_restitution, 0.0, config.club_mass, face):
            self.hits += 1
        self.x += depth * normal[0]
        self.y += depth * normal[1]

    def _bounce(
        self,
        normal: tuple[float, float],
        restitution: float,
        friction: float,
        mass: float,
        surface: tuple[float, float],
    ) -> bool:
        """Change velocity and spin by a collision with a wall.

        Args:
            normal: of the wall, towards the ball.
            restitution: of the collision.
            friction: coefficient along the wall.
            mass: of the wall, kg.
            surface: velocity of the wall, m/s.

        Returns:
            whether they met: a ball that is leaving is not touched.
        """
        nx, ny = normal
        towards = -((self.vx - surface[0]) * nx + (self.vy - surface[1]) * ny)
        if towards <= 0.0:
            return False
        share = 1.0 if math.isinf(mass) else mass / (mass + self.config.mass)
        push = (1.0 + restitution) * towards * share
        self.vx += push * nx
        self.vy += push * ny
        tx, ty = -ny, nx
        slip = (self.vx - surface[0]) * tx + (self.vy - surface[1]) * ty
        slip -= self._radius * self.spin_z
        rub = -math.copysign(min(friction * push, abs(slip) / 3.5), slip)
        self.vx += rub * tx
        self.vy += rub * ty
        self.spin_z -= 2.5 * rub / self._radius
        return True

    # Off the court.

    def _settle(self, seconds: float) -> None:
        """Come to rest at the bottom of hole, water or gutter."""
        court, config, radius = self.court, self.config, self._radius
        keep = math.exp(-SETTLE * seconds)
        self.vx, self.vy = self.vx * keep, self.vy * keep
        self.spin_x = self.spin_y = self.spin_z = 0.0
        self.x += self.vx * seconds
        self.y += self.vy * seconds
        if self.place is BallPlace.IN_HOLE:
            self._sink_to(config.hole_depth, seconds)
            room = max(0.0, court.hole_radius - radius)
            off = math.dist((self.x, self.y), court.hole)
            if off > room:
                share = room / off
                self.x = court.hole[0] + share * (self.x - court.hole[0])
                self.y = court.hole[1] + share * (self.y - court.hole[1])
                self.vx = self.vy = 0.0
        elif self.place is BallPlace.IN_WATER:
            self._sink_to(config.water_depth, seconds)
            pond = court.water.grown(-radius)
            self._keep_within(pond.low, pond.high)
        else:
            self._sink_to(config.gutter_depth, seconds)
            outer = court.inside.grown(config.gutter_width)
            self._keep_within(outer.low, outer.high)
            self._push_out(config.gutter_width)

    def _sink_to(self, depth: float, seconds: float) -> None:
        self.fall = self.fall + GRAVITY * seconds if self.sink < depth else 0.0
        self.sink = min(depth, self.sink + self.fall * seconds)
        if self.sink >= depth:
            self.sink, self.fall = depth, 0.0

    def _keep_within(self, low: tuple[float, float], high: tuple[float, float]) -> None:
        x, y = min(max(self.x, low[0]), high[0]), min(max(self.y, low[1]), high[1])
        if x != self.x:
            self.vx = 0.0
        if y != self.y:
            self.vy = 0.0
        self.x, self.y = x, y

    def _push_out(self, width: float) -> None:
        """Keep a ball in the gutter's middle, off the court."""
        inside, at = self.court.inside, (self.x, self.y)
        if inside.grown(width - 1e-6).contains(at):
            sides: list[tuple[float, Callable[[], None]]] = [
                (at[0] - inside.low[0], lambda: setattr(self, "x", inside.low[0] - width)),
                (inside.high[0] - at[0], lambda: setattr(self, "x", inside.high[0] + width)),
                (at[1] - inside.low[1], lambda: setattr(self, "y", inside.low[1] - width)),
                (inside.high[1] - at[1], lambda: setattr(self, "y", inside.high[1] + width)),
            ]
            min(sides, key=lambda side: side[0])[1]()
