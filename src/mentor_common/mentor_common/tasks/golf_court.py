"""The golf court of the tabletop golf task: where everything lies, and where the ball is best sent.

Metres in the frame of the arm's base. The ball is struck towards -y; a club that is turned by r
about the vertical axis strikes along (sin r, -cos r).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

Point = tuple[float, float]
CLEARANCE = 0.01
"""Metres between the ball and the water on the best way past it."""
EXACT = 1e-9
REACHED = 0.015
"""Metres from a corner within which the ball is past it."""


class BallPlace(IntEnum):
    """Where the ball is; the values travel as numbers."""

    ON_COURT = 0
    IN_HOLE = 1
    IN_WATER = 2
    OUT = 3
    """Over the border."""
    COLLECTED = 4
    """Below the court, on its way through the collector."""


@dataclass(frozen=True)
class Rectangle:
    """A region along the axes; metres."""

    low: Point
    high: Point

    def contains(self, point: Point) -> bool:
        """Return whether a point lies inside."""
        return all(a <= p <= b for a, p, b in zip(self.low, point, self.high, strict=True))

    def grown(self, margin: float) -> Rectangle:
        """Return the rectangle whose sides lie farther out, or farther in below 0."""
        (x0, y0), (x1, y1) = self.low, self.high
        return Rectangle((x0 - margin, y0 - margin), (x1 + margin, y1 + margin))

    def depth(self, point: Point) -> float:
        """Return how far inside a point lies from the nearest side; outside: minus the distance."""
        (x, y), (x0, y0), (x1, y1) = point, self.low, self.high
        off_x, off_y = max(x0 - x, x - x1, 0.0), max(y0 - y, y - y1, 0.0)
        if off_x or off_y:
            return -math.hypot(off_x, off_y)
        return min(x - x0, x1 - x, y - y0, y1 - y)

    def crosses(self, first: Point, last: Point) -> bool:
        """Return whether the straight line between two points passes through the inside."""
        begin, end = 0.0, 1.0
        for axis in (0, 1):
            step = last[axis] - first[axis]
            low, high = self.low[axis] - first[axis], self.high[axis] - first[axis]
            if step == 0.0:
                if not low < 0.0 < high:
                    return False
                continue
            near, far = sorted((low / step, high / step))
            begin, end = max(begin, near), min(end, far)
        return begin < end


@dataclass(frozen=True)
class Court:
    """The court.

    Args:
        inside: between the borders.
        hole: its middle.
        hole_radius: metres.
        water: the hazard.
        ball_radius: metres.
    """

    inside: Rectangle
    hole: Point
    hole_radius: float
    water: Rectangle
    ball_radius: float

    def place(self, ball: Point) -> BallPlace:
        """Return what lies below the ball's middle."""
        if math.dist(ball, self.hole) <= self.hole_radius:
            return BallPlace.IN_HOLE
        if self.water.contains(ball):
            return BallPlace.IN_WATER
        return BallPlace.ON_COURT if self.inside.contains(ball) else BallPlace.OUT

    def best_way(self, ball: Point) -> tuple[Point, float]:
        """Return the point to which the ball is best sent, and the club's angle for it, radians.

        The hole, if the straight way to it clears the water; else the corner, CLEARANCE off, past
        which the shorter way round the water leads, of those on which the ball stays on the court.
        """
        margin = self.ball_radius + CLEARANCE
        # A ball that lies nearer to the water than that needs no more room than it has.
        keep_off = min(margin, max(0.0, -self.water.depth(ball)))
        if not self.water.grown(keep_off).crosses(ball, self.hole):
            return self.hole, angle_towards(ball, self.hole)
        region = self.water.grown(keep_off)
        ways = []
        room = self.inside.grown(-self.ball_radius)
        for x, side in ((region.low[0], -1.0), (region.high[0], 1.0)):
            if not room.low[0] <= x <= room.high[0]:
                continue  # no way between water and border
            corners = [(x, y) for y in (region.low[1], region.high[1]) if y <= ball[1] + EXACT]
            ahead = [corner for corner in corners if math.dist(corner, ball) > REACHED]
            if corners and not ahead:  # it lies at the last corner of this side
                ways.append((math.dist(ball, self.hole), self.hole))
            elif ahead:
                corner = max(ahead, key=lambda c: side * angle_towards(ball, c))
                length = math.dist(ball, corner) + math.dist(corner, self.hole)
                ways.append((length, corner))
        if not ways:
            return self.hole, angle_towards(ball, self.hole)
        corner = min(ways)[1]
        return corner, angle_towards(ball, corner)


def angle_towards(ball: Point, goal: Point) -> float:
    """Return the club's angle that sends the ball towards a goal, radians; 0: towards -y."""
    return math.atan2(goal[0] - ball[0], ball[1] - goal[1])
