"""Follows the ball on the court through the images of both court cameras."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mentor_common.tasks.golf_court import BallPlace, Court
from mentor_reward.tracker.ball_finder import BallFinder, Blob
from mentor_reward.tracker.court_camera import CourtCamera

Float64 = npt.NDArray[np.float64]
ANGLE_ERROR = 0.006
"""Standard error of a place in an image, share of its height: of half a pixel and of the mount."""
AGREE = 0.06
"""Metres by which two cameras may see one ball apart."""
SIZES = (0.3, 2.0)
"""Bounds of a ball's size in an image over the size that its place gives it."""
FASTEST = 1.5
"""Metres per second; how far a ball may have got since it was last seen."""
STILL, KEEP = 0.008, 0.5
"""Metres within which it counts as lying still, and share of the old place that is kept then."""
IN_WATER, OVER_BORDER = 0.005, 0.008
"""Metres inside the water, and outside the court, beyond which the ball counts as there."""
HOLE_SHARE = 0.85
"""Share of the hole's radius within which the ball is in it."""
SUNK = 0.3
"""Height of the middle of what is seen of a ball in hole or water, over the ball's radius."""
SURE = {2: 1.0, 1: 0.6, 0: 0.0}
"""Confidence by the number of cameras that see the ball."""
CONFIRMED = 2
"""Images in a row that must show the ball at the same kind of place for it to be final."""
FADES = 1.0
"""Seconds after which the confidence in a ball that is not seen has fallen to 1/e."""


@dataclass(frozen=True)
class TrackedBall:
    """The ball as far as it is known.

    Args:
        at: (x, y), metres.
        place: where it is.
        age: seconds since it was last seen.
        confidence: 0 to 1.
        candidates: things that may be the ball in the last images.
        confirmed: whether the last CONFIRMED images that show it have it in this place.
    """

    at: tuple[float, float]
    place: BallPlace
    age: float = 0.0
    confidence: float = 1.0
    candidates: int = 0
    confirmed: bool = True

    @property
    def hidden(self) -> bool:
        """Whether the last images do not show it."""
        return self.age > 0.0

    @property
    def gone(self) -> bool:
        """Whether it has left the court, and that is confirmed."""
        return self.confirmed and self.place is not BallPlace.ON_COURT


@dataclass(frozen=True)
class _Candidate:
    at: Float64
    sunk: Float64
    cameras: int


class BallTracker:
    """Finds the ball in each pair of images and follows it from one to the next.

    Args:
        cameras: calibrated, by name.
        court: geometry.
    """

    def __init__(self, cameras: Mapping[str, CourtCamera], court: Court) -> None:
        self._cameras, self._court = dict(cameras), court
        self._finders = {name: BallFinder() for name in cameras}
        self.begin()

    def begin(self) -> None:
        """Forget the ball: an episode begins. What the background is stays known."""
        self._at: Float64 | None = None
        self._seen = self._stamp = 0
        self._cameras_seen = self._candidates = 0
        self._place = BallPlace.ON_COURT
        self._images_of_place = 0

    def see(self, images: Mapping[str, npt.NDArray[np.uint8]], stamp: int) -> None:
        """Take the images (H, W, 3) of the cameras at one time, nanoseconds."""
        self._stamp = stamp
        candidates = self._match(
            {name: self._places(name, image) for name, image in images.items()}
        )
        self._candidates = len(candidates)
        best = self._choose(candidates, stamp)
        if best is not None:
            last = self._at
            near = last is not None and bool(np.linalg.norm(best.at - last) < STILL)
            self._at = best.at + KEEP * (last - best.at) if last is not None and near else best.at
            place = self._place_of(best)
            self._images_of_place = self._images_of_place + 1 if place is self._place else 1
            self._place = place
            self._seen, self._cameras_seen = stamp, best.cameras
        for name, image in images.items():
            self._learn(name, image, best is not None)

    def ball(self) -> TrackedBall | None:
        """Return the ball; None: it has not been seen since the episode began."""
        if self._at is None:
            return None
        age = (self._stamp - self._seen) / 1e9
        confidence = SURE[self._cameras_seen] * math.exp(-age / FADES)
        if self._candidates > 1:
            confidence *= 0.5
        at = (float(self._at[0]), float(self._at[1]))
        confirmed = self._images_of_place >= CONFIRMED
        return TrackedBall(at, self._place, age, confidence, self._candidates, confirmed)

    def _place_of(self, ball: _Candidate) -> BallPlace:
        """Return where a ball is; in hole and water, between its places as on the felt and as sunk.

        A ball that lies on the felt keeps off the edges, one in hole or water lies well inside.
        """
        court, middle = self._court, (ball.at + ball.sunk) / 2.0
        if np.linalg.norm(middle - court.hole) < HOLE_SHARE * court.hole_radius:
            return BallPlace.IN_HOLE
        if court.water.depth((float(middle[0]), float(middle[1]))) > IN_WATER:
            return BallPlace.IN_WATER
        off = court.inside.depth((float(ball.at[0]), float(ball.at[1])))
        return BallPlace.OUT if off < -OVER_BORDER else BallPlace.ON_COURT

    def _places(self, name: str, image: npt.NDArray[np.uint8]) -> list[tuple[Blob, Float64]]:
        """Return the blobs of one image that have the size of a ball on or beside the court."""
        camera, radius = self._cameras[name], self._court.ball_radius
        found = []
        reach = self._court.inside.grown(0.12)
        for blob in self._finders[name].find(image):
            try:
                at = camera.to_court(blob.point, radius)
            except ValueError:
                continue
            size = blob.size / camera.size_of([*at, radius], 2.0 * radius)
            if SIZES[0] < size < SIZES[1] and reach.contains((float(at[0]), float(at[1]))):
                found.append((blob, at))
        return found

    def _match(self, seen: Mapping[str, list[tuple[Blob, Float64]]]) -> list[_Candidate]:
        """Join what two cameras see at one place; what only one sees is kept by itself."""
        names = list(seen)
        found: list[_Candidate] = []
        used: set[tuple[str, int]] = set()
        if len(names) == 2:
            pairs = sorted(
                (float(np.linalg.norm(a - b)), i, j)
                for i, (_, a) in enumerate(seen[names[0]])
                for j, (_, b) in enumerate(seen[names[1]])
            )
            for apart, i, j in pairs:
                keys = {(names[0], i), (names[1], j)}
                if apart < AGREE and not keys & used:
                    used |= keys
                    blobs = {names[0]: seen[names[0]][i][0], names[1]: seen[names[1]][j][0]}
                    found.append(self._candidate(blobs))
        for name in names:
            found += [
                self._candidate({name: blob})
                for index, (blob, _) in enumerate(seen[name])
                if (name, index) not in used
            ]
        return found

    def _candidate(self, blobs: Mapping[str, Blob]) -> _Candidate:
        """Return what the cameras see at one place, as on the felt and as in the hole."""
        radius = self._court.ball_radius
        at, sunk = (self._fused(blobs, height) for height in (radius, SUNK * radius))
        return _Candidate(at, sunk, len(blobs))

    def _fused(self, blobs: Mapping[str, Blob], height: float) -> Float64:
        """Fuse the places that the cameras see, weighted by the effect of an image error."""
        information, total = np.zeros((2, 2)), np.zeros(2)
        for name, blob in blobs.items():
            camera = self._cameras[name]
            weight = np.linalg.inv(camera.covariance(blob.point, height, ANGLE_ERROR))
            information += weight
            total += weight @ camera.to_court(blob.point, height)
        return np.asarray(np.linalg.solve(information, total))

    def _choose(self, candidates: list[_Candidate], stamp: int) -> _Candidate | None:
        """Return the candidate that is nearest to where the ball was.

        One that only one camera sees counts as AGREE farther away.

        Raises:
            ValueError: two are as likely, and nothing is known of where the ball was.
        """
        if self._at is not None:
            reach = AGREE + FASTEST * (stamp - self._seen) / 1e9
            last = self._at
            candidates = [c for c in candidates if np.linalg.norm(c.at - last) < reach]
            return min(
                candidates,
                key=lambda c: (
                    float(np.linalg.norm(c.at - last)) + (AGREE if c.cameras < 2 else 0.0)
                ),
                default=None,
            )
        sure = [c for c in candidates if c.cameras == 2] or candidates
        on_court = [c for c in sure if self._court.inside.contains((c.at[0], c.at[1]))] or sure
        if len(on_court) > 1:
            places = [np.round(c.at, 2).tolist() for c in on_court]
            raise ValueError(
                f"{len(on_court)} balls are seen at {places} as the episode begins; take all but "
                "one off the court"
            )
        return on_court[0] if on_court else None

    def _learn(self, name: str, image: npt.NDArray[np.uint8], seen: bool) -> None:
        camera, radius = self._cameras[name], self._court.ball_radius
        if self._at is None or not seen:
            return
        place = np.array([*self._at, radius])
        point = camera.to_image(place)
        size = camera.size_of(place, 2.0 * radius)
        self._finders[name].learn(image, (float(point[0]), float(point[1])), 1.5 * size)
