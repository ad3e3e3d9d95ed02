"""The golf ball on the felt: it slides, rolls, spins, bounces, falls into hole, water and gutter.

A model of its own instead of MuJoCo's contacts: those know no rolling resistance that is constant
over the speed, their restitution depends on the step of time, and a sphere of 5 ms steps creeps on
a plane. Here each phase has its closed solution, and the energy can only fall but for the club.

Sources of the constants' ranges. Read for this: the abstract of Mathavan et al., accounts of the
Stimpmeter (6.00 ft/s) and of the condition by which a hole catches a ball, and a study of putting
with a ratio of ball to club of 1.6. Assumed, as cited from memory: the limit 0.83 of the rules, and
that putters reach 1.9. That a struck ball ends at 5/7 follows from mechanics.

- R. A. Penner, The physics of putting, Can. J. Phys. 80 (2002): a struck ball slides, then rolls at
  5/7 of its speed.
- B. W. Holmes, Putting: how a golf ball and hole interact, Am. J. Phys. 59 (1991): a ball is caught
  if it has fallen by its radius before it meets the far rim; Stimpmeter, 1.83 m/s at its end.
- USGA, Stimpmeter instruction booklet: greens roll 4.5 to 14 ft, most of them 7 to 12 ft.
- S. Mathavan et al., Proc. IMechE C 224 (2010), doi 10.1243/09544062JMES1964: cushion and ball,
  restitution 0.98, friction 0.14.
- Rules of golf, equipment: at most 45.93 g, at least 42.67 mm; restitution of club and ball at most
  0.83.
Longer than 350 lines by this page of sources.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mentor_common.tasks.golf_court import EXACT, BallPlace, Court
from mentor_sim_bridge.twins.golf.contact import GRAVITY, Club, Contact, bounce, gets_over
from mentor_sim_bridge.twins.golf.ground import Ground

STIMPMETER_SPEED, FOOT = 1.83, 0.3048
"""Speed (m/s) at which a Stimpmeter lets a ball go; metres of a foot."""
FINE = 0.001
"""Longest step over hole and water, seconds."""
GUTTER_SPEED = 0.6
"""Speed (m/s) at which a ball over the border goes on to the middle of the gutter."""
SETTLE = 4.0
"""Share of its speed that a ball loses in each second at the bottom of hole, water or gutter."""


@dataclass(frozen=True)
class BallConfig:
    """What does not change from episode to episode.

    Args:
        mass: kg.
        sliding_friction: coefficient of ball and felt.
        spin_deceleration: deceleration of the spin about the vertical, rad/s^2.
        border_height: metres above the felt.
        border_restitution: restitution of the border.
        border_friction: coefficient of ball and border.
        club_restitution: restitution of the club's face.
        club_mass: effective mass of head and arm, kg.
        hole_depth: metres by which the ball's middle is lower in the hole.
        water_depth: metres by which it is lower in the water.
        gutter_depth: metres by which it is lower in the gutter beyond the border.
        gutter_width: distance from the border's inner side to the gutter's middle, metres.
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


def stimp_deceleration(feet: float) -> float:
    """Return the deceleration (m/s^2) of a ball on a green on which it rolls so many feet."""
    return STIMPMETER_SPEED**2 / (2.0 * feet * FOOT)


class Ball:
    """The state of the ball, and its motion.

    Args:
        court: its geometry.
        config: constants.
        ground: unevenness of the felt.
        deceleration: deceleration of rolling on level felt, m/s^2.
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
        self._radius = court.ball_radius
        # Place, velocity and side spin with which the ball stays where it is on this ground.
        self._rests_at: tuple[float, ...] = ()

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
        """Return kinetic and potential energy on the court, J."""
        turning = 0.4 * self._radius**2 * (self.spin_x**2 + self.spin_y**2 + self.spin_z**2)
        moving = self.vx**2 + self.vy**2 + self.fall**2
        height = self.ground.height(self.x, self.y) - self.sink
        return self.config.mass * (0.5 * (moving + turning) + GRAVITY * height)

    def advance(self, seconds: float, club: Club | None = None) -> None:
        """Let time pass.

        Args:
            seconds: at most a few hundredths.
            club: the club; None: it is away.
        """
        if self.place is BallPlace.COLLECTED:
            return
        if self.place is not BallPlace.ON_COURT:
            self._settle(seconds)
            return
        if club is not None:
            self._meet_club(club)
        if self._rests_at == (self.x, self.y, self.vx, self.vy, self.spin_z):
            return
        left = seconds
        while left > 0.0 and self.place is BallPlace.ON_COURT:
            depth = self._depth()
            near = self.sink > 0.0 or depth > -self.speed * seconds - 1e-9
            step = min(left, FINE) if near else left
            left -= step
            if self.sink > 0.0 or depth > 0.0:
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
        if slip > 1e-9:
            ax, ay = -friction * slip_x / slip, -friction * slip_y / slip
            rise_x, rise_y = self.ground.slope(self.x, self.y)
            along_x, along_y = ax - GRAVITY * rise_x, ay - GRAVITY * rise_y
            before = self.energy
            self.x += self.vx * sliding + 0.5 * along_x * sliding**2
            self.y += self.vy * sliding + 0.5 * along_y * sliding**2
            self.vx += along_x * sliding
            self.vy += along_y * sliding
            # The torque of the friction, over 2/5 of mass and radius squared.
            self.spin_x += 2.5 / radius * ay * sliding
            self.spin_y -= 2.5 / radius * ax * sliding
            self._lose(self.energy - before)
        if sliding < seconds:
            self._roll(seconds - sliding)

    def _lose(self, energy: float) -> None:
        """Take from the speed what a curved slope, straight within a step, has added; J."""
        squared = self.vx**2 + self.vy**2
        if energy > 0.0 and squared > 0.0:
            scale = math.sqrt(max(0.0, 1.0 - 2.0 * energy / (self.config.mass * squared)))
            self.vx, self.vy = self.vx * scale, self.vy * scale

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
                self._rests_at = x, y, 0.0, 0.0, 0.0
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
        """Return how far the ball's centre is beyond the edge of hole or water, m; < 0: on felt."""
        return self._depth_of((self.x, self.y))

    def _depth_of(self, at: tuple[float, float]) -> float:
        court = self.court
        return max(court.hole_radius - math.dist(at, court.hole), court.water.depth(at))

    def _fall(self, seconds: float) -> None:
        """Fly over hole or water; caught once nothing can keep its middle above the edge."""
        if self._depth() > 0.0:
            self.fall += GRAVITY * seconds
            self.sink += self.fall * seconds
            self.x += self.vx * seconds
            self.y += self.vy * seconds
            if self._is_caught():
                self._catch()
            return
        # The far edge: what is left of the speed must lift the ball out again.
        left, speed = self.speed**2 - 2.0 * GRAVITY * self.sink, self.speed
        if left <= 0.0 or speed == 0.0:
            self._catch()
            return
        scale = math.sqrt(left) / speed
        self.vx, self.vy = self.vx * scale, self.vy * scale
        self.spin_x, self.spin_y = self.spin_x * scale, self.spin_y * scale
        self.sink = self.fall = 0.0

    def _is_caught(self) -> bool:
        """Return whether the ball's middle will be below the edge before it has flown across."""
        left = max(0.0, self._radius - self.sink)
        seconds = (math.sqrt(self.fall**2 + 2.0 * GRAVITY * left) - self.fall) / GRAVITY
        ahead = (self.x + self.vx * seconds, self.y + self.vy * seconds)
        return self._depth_of(ahead) > 0.0

    def _catch(self) -> None:
        """Keep the ball in the hole or the water whose edge is nearer, within that edge."""
        court, at = self.court, (self.x, self.y)
        off = math.dist(at, court.hole)
        if court.hole_radius - off < court.water.depth(at):
            self.place = BallPlace.IN_WATER
            self._keep_within(court.water.low, court.water.high)
            return
        self.place = BallPlace.IN_HOLE
        self._keep_near_hole(court.hole_radius * (1.0 - EXACT))

    # Border and club.

    def _meet_border(self) -> None:
        """Bounce off a border, or roll over it."""
        region = self.court.inside.grown(-self._radius)
        for axis, (low, high) in enumerate(zip(region.low, region.high, strict=True)):
            at = (self.x, self.y)[axis]
            if low <= at <= high:
                continue
            outwards = -1.0 if at < low else 1.0
            towards = outwards * (self.vx, self.vy)[axis]
            if towards > 0.0:
                config, spin = self.config, outwards * (self.spin_y if axis == 0 else -self.spin_x)
                if gets_over(towards, spin, self._radius, config.border_height):
                    self.place = BallPlace.OUT
                    return
                normal = (-outwards, 0.0) if axis == 0 else (0.0, -outwards)
                wall = Contact(normal, 0.0, (0.0, 0.0))
                self._bounce(wall, config.border_restitution, config.border_friction)
            if axis == 0:
                self.x = min(max(self.x, low), high)
            else:
                self.y = min(max(self.y, low), high)

    def _meet_club(self, club: Club) -> None:
        """Be struck or pushed by the club, which the ball does not slow down."""
        contact = club.contact(self.x, self.y, self._radius)
        if contact is None:
            return
        config = self.config
        self._bounce(contact, config.club_restitution, 0.0, config.club_mass)
        self.x += contact.depth * contact.normal[0]
        self.y += contact.depth * contact.normal[1]

    def _bounce(
        self, contact: Contact, restitution: float, friction: float, mass: float = math.inf
    ) -> None:
        """Change velocity and spin by a collision, if they are not leaving each other."""
        share = 1.0 if math.isinf(mass) else mass / (mass + self.config.mass)
        velocity = (self.vx, self.vy)
        after = bounce(velocity, self._radius * self.spin_z, contact, (1.0 + restitution) * share,
                       friction)  # fmt: skip
        if after is not None:
            self.vx, self.vy, spin = after
            self.spin_z = spin / self._radius

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
            self._keep_near_hole(max(0.0, court.hole_radius - radius))
        elif self.place is BallPlace.IN_WATER:
            self._sink_to(config.water_depth, seconds)
            pond = court.water.grown(-radius)
            self._keep_within(pond.low, pond.high)
        else:
            self._sink_to(config.gutter_depth, seconds)
            outer = court.inside.grown(config.gutter_width)
            self._keep_within(outer.low, outer.high)
            self._push_out(config.gutter_width, GUTTER_SPEED * seconds)

    def _sink_to(self, depth: float, seconds: float) -> None:
        self.fall = self.fall + GRAVITY * seconds if self.sink < depth else 0.0
        self.sink = min(depth, self.sink + self.fall * seconds)
        if self.sink >= depth:
            self.sink, self.fall = depth, 0.0

    def _keep_near_hole(self, room: float) -> None:
        """Have the ball's centre at most `room` metres off the hole's middle."""
        hole, off = self.court.hole, math.dist((self.x, self.y), self.court.hole)
        if off > room:
            share = room / off
            self.x = hole[0] + share * (self.x - hole[0])
            self.y = hole[1] + share * (self.y - hole[1])
            self.vx = self.vy = 0.0

    def _keep_within(self, low: tuple[float, float], high: tuple[float, float]) -> None:
        x, y = min(max(self.x, low[0]), high[0]), min(max(self.y, low[1]), high[1])
        if x != self.x:
            self.vx = 0.0
        if y != self.y:
            self.vy = 0.0
        self.x, self.y = x, y

    def _push_out(self, width: float, way: float) -> None:
        """Move a ball that has left the court on to the gutter's middle, by `way` at most."""
        inside = self.court.inside
        gaps = [
            (self.x - inside.low[0] + width, -1.0, 0.0),
            (inside.high[0] + width - self.x, 1.0, 0.0),
            (self.y - inside.low[1] + width, 0.0, -1.0),
            (inside.high[1] + width - self.y, 0.0, 1.0),
        ]
        gap, x, y = min(gaps)
        self.x += x * max(0.0, min(gap, way))
        self.y += y * max(0.0, min(gap, way))
