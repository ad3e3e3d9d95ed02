"""Which frames are the observation of a motion (App. C.1 of the paper), and when they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mentor_camera.stacking.frame_ring import FrameRing
from mentor_common.messages.frames import FrameLayout
from mentor_common.messages.images import resize, stack_planes
from mentor_common.messages.join import JoinCounts, JoinedStep, StepJoin


@dataclass(frozen=True)
class MotionTimes:
    """Start and end of the motion that led to a step, nanoseconds."""

    episode: int
    step: int
    begin_ns: int
    end_ns: int

    @property
    def wanted_ns(self) -> tuple[int, int, int]:
        """Times of the three frames of App. C.1 of the paper: start, midpoint and end."""
        return (self.begin_ns, self.begin_ns + (self.end_ns - self.begin_ns) // 2, self.end_ns)


@dataclass(frozen=True)
class Stack:
    """The pixels of one observation.

    Args:
        motion: the motion that led to the observation.
        pixels: (cameras * 3 * 3, height, width) uint8: cameras, then frames, then R, G, B.
        stamps_ns: stamp of every frame, cameras outermost, nanoseconds.
        late: True if a nearer frame was waited for and did not arrive.
    """

    motion: MotionTimes
    pixels: np.ndarray
    stamps_ns: tuple[int, ...]
    late: bool = False

    @property
    def worst_offset_s(self) -> float:
        """Largest distance between a frame and its wanted time, seconds."""
        wanted = self.motion.wanted_ns
        return max(abs(s - wanted[i % 3]) for i, s in enumerate(self.stamps_ns)) / 1e9


@dataclass(frozen=True)
class MissingFrames:
    """A motion of which no observation can be made, and why.

    ``before_first_frame``: the motion ended before the oldest frame that is kept.
    """

    motion: MotionTimes
    reason: str
    before_first_frame: bool = False


@dataclass
class _Pending:
    motion: MotionTimes
    end_seen: float | None = None  # monotonic time; since then all cameras are at the end


class Stacker:
    """Picks for each motion the frames nearest to its start, midpoint and end.

    It reads no clock: times are arguments. Stamps are ROS time in nanoseconds; waiting is measured
    in seconds of a monotonic clock (in lockstep, ROS time does not advance meanwhile).

    Args:
        layout: cameras in their order and the size of a frame; frames must be 3.
        tolerance_s: largest distance of a frame from its time; for all cameras or for each by name.
        timeout_s: longest wait for the frames of a motion.
        gap_wait_s: longest wait for a frame that seems to be missing, once the camera has sent one
            from after the end of the motion.
        depth: frames kept per camera, at least the longest motion times the frame rate; with fewer,
            the frame of the start is gone at the end and the step has no observation.
    """

    def __init__(
        self,
        layout: FrameLayout,
        *,
        tolerance_s: float | Mapping[str, float] = 0.1,
        timeout_s: float = 1.0,
        gap_wait_s: float = 0.1,
        depth: int = 256,
    ) -> None:
        if layout.frames != 3:
            raise ValueError(
                f"stacker: {layout.frames} frames per camera asked for; it must be 3 (those at "
                "start, midpoint and end of a motion)"
            )
        self.layout = layout
        self.tolerance_s = {
            camera: tolerance_s[camera] if isinstance(tolerance_s, Mapping) else tolerance_s
            for camera in layout.cameras
        }
        self.timeout_s = timeout_s
        self.gap_wait_s = gap_wait_s
        self.rings = {camera: FrameRing(depth) for camera in layout.cameras}
        self._join = StepJoin(("motion", "frames"), timeout=timeout_s)

    @property
    def pending(self) -> Sequence[MotionTimes]:
        """Motions whose frames are being waited for, oldest first."""
        return [step.parts["motion"].motion for step in self._join]

    @property
    def counts(self) -> JoinCounts:
        """Counts of the motions by outcome."""
        return self._join.counts

    def clear(self) -> None:
        """Forget frames and pending motions: the clock was set back."""
        for ring in self.rings.values():
            ring.clear()
        self._join.drop()

    def add_image(self, camera: str, stamp_ns: int, image: np.ndarray) -> bool:
        """Add a frame (height, width, 3) uint8 RGB of any size; False if it was dropped."""
        if camera not in self.rings:
            raise KeyError(f"stacker: no camera '{camera}'; known: {', '.join(self.rings)}")
        return self.rings[camera].add(
            stamp_ns, resize(image, self.layout.height, self.layout.width)
        )

    def add_motion(self, motion: MotionTimes, now: float) -> bool:
        """Add a motion; False if its step is known already. ``now``: monotonic time, seconds."""
        if motion.end_ns < motion.begin_ns:
            raise ValueError(
                f"motion of episode {motion.episode} step {motion.step}: end {motion.end_ns} ns is "
                f"before the start {motion.begin_ns} ns"
            )
        return self._join.add("motion", motion.episode, motion.step, _Pending(motion), now)

    def collect(self, now: float) -> list[Stack | MissingFrames]:
        """Return what is ready or has failed by ``now`` (monotonic, s); none is held up by
        an older one that is not ready."""
        for step in self._join:
            stack = self._attempt(step, now)
            if stack is not None:  # the join's second part, which completes the step
                self._join.add("frames", *step.key, stack, now)
        return [self._result(step) for step in self._join.collect(now)]

    def _result(self, step: JoinedStep) -> Stack | MissingFrames:
        if not step.missing:
            stack: Stack = step.parts["frames"]
            return stack
        motion: MotionTimes = step.parts["motion"].motion
        problem = self._problem(motion.wanted_ns)
        before = any((ring.oldest_ns or 0) > motion.end_ns for ring in self.rings.values())
        assert problem is not None  # else there would be a stack by now
        return MissingFrames(motion, problem, before)

    def _attempt(self, step: JoinedStep, now: float) -> Stack | None:
        """Return the stack of a step, once no nearer frames are to be waited for."""
        entry: _Pending = step.parts["motion"]
        wanted = entry.motion.wanted_ns
        settled = all(ring.is_settled(t) for ring in self.rings.values() for t in wanted)
        if settled and self._problem(wanted) is None:
            return self._stack(entry.motion, late=False)
        if entry.end_seen is None and all(
            ring.newest_ns is not None and ring.newest_ns >= wanted[2]
            for ring in self.rings.values()
        ):
            entry.end_seen = now
        gap_over = entry.end_seen is not None and now - entry.end_seen >= self.gap_wait_s
        timed_out = now - step.since >= self.timeout_s
        if (gap_over or timed_out) and self._problem(wanted) is None:
            return self._stack(entry.motion, late=True)
        return None

    def _problem(self, wanted: Sequence[int]) -> str | None:
        """Return why the kept frames are too far from the wanted times; None if they are not."""
        for camera, ring in self.rings.items():
            newest = ring.newest_ns
            if newest is None:
                return f"camera '{camera}' has sent no frame"
            for name, time_ns in zip(("start", "midpoint", "end"), wanted, strict=True):
                stamp = ring.nearest(time_ns)
                assert stamp is not None
                offset_s, tolerance_s = abs(stamp - time_ns) / 1e9, self.tolerance_s[camera]
                if offset_s > tolerance_s:
                    behind_s = (wanted[2] - newest) / 1e9
                    stopped = f"; its newest is {behind_s:.3f} s before the end" * (behind_s > 0)
                    return (
                        f"camera '{camera}' has no frame within {tolerance_s:g} s of the "
                        f"{name} of the motion: nearest {offset_s:.3f} s away{stopped}"
                    )
        return None

    def _stack(self, motion: MotionTimes, *, late: bool) -> Stack:
        frames: list[np.ndarray] = []
        stamps: list[int] = []
        for ring in self.rings.values():
            for time_ns in motion.wanted_ns:
                stamp = ring.nearest(time_ns)
                assert stamp is not None
                frames.append(ring.pixels(stamp))
                stamps.append(stamp)
        return Stack(motion, stack_planes(frames), tuple(stamps), late)
