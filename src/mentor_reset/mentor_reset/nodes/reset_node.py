"""Node: serves `reset_episode` by moving the arm through the task's reset routine."""

from __future__ import annotations

import threading
import time
from typing import Any, ClassVar

import numpy as np
from geometry_msgs.msg import PoseStamped

from mentor_common.messages import topics
from mentor_common.node import health
from mentor_common.node.actions import Cancelled, Goal, RemoteAction, RemoteError, RemoteTimeout
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_common.node.running import main as run_node
from mentor_common.tasks.cable_routing import StartPoses
from mentor_common.tasks.task import find_task
from mentor_msgs.action import MoveTo, ResetEpisode
from mentor_msgs.msg import Observation
from mentor_reset.episode_numbers import EpisodeNumbers
from mentor_reset.routines.attempt import StageFailed, run_routine
from mentor_reset.routines.routine import (
    BEGIN,
    STAGES,
    Move,
    Part,
    Rest,
    check_routine,
    make_routine,
    progress_of,
)
from mentor_reset.routines.stillness import Stillness

_POLL = 0.01  # seconds of wall time between two looks at the arm's pose
_STANDS = 0.03  # seconds of wall time; if ROS time stands as long (lockstep), nothing can move
_BEAT = 0.5  # seconds of wall time between two feedback messages of a stage that takes long


class ResetNode(CellNode):
    """Begins episodes: numbers them, draws their start, and does the routine of App. C.4.

    A routine that fails is tried anew, with a new episode number, as often as the task says; before
    that the body is asked to recover from its fault.
    """

    PARAMETERS: ClassVar = (
        Param(
            "task", "str", "cable_routing", "name of the task or path of its YAML", read_only=True
        ),
        Param(
            "timeout", "float", 0.0,
            "seconds of wall time for a whole reset, if the goal names none; 0: as the task says",
            low=0.0, high=3600.0,
        ),
        Param(
            "move_timeout", "float", 20.0,
            "seconds of wall time for a single move", low=0.1, high=600.0,
        ),
        Param(
            "observation_timeout", "float", 3.0,
            "seconds of wall time in which the observation of step 0 must come; 0: not looked for",
            low=0.0, high=60.0,
        ),
    )  # fmt: skip

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__("reset", **node_arguments)
        self._numbers = EpisodeNumbers()

    def configure(self) -> None:
        """Makes the server, and the client of the arm."""
        self.task = find_task(self.text("task"))
        check_routine(self.task.reset)
        bounds = self.task.reset.start
        self._starts = StartPoses(*zip(*(bounds[name] for name in self.axes), strict=True))
        self._position: np.ndarray | None = None
        self._newest = (0, False)  # number of the newest episode, whether its observation came
        self._observed = threading.Condition()
        self.move_to = self.remote_action(topics.MOVE_TO)
        self.subscription(topics.CURRENT_POSE, self._on_pose)
        self.subscription(topics.OBSERVATION, self._on_observation)
        self.serve_action(topics.RESET_EPISODE, self._execute)
        self.peers.action(topics.MOVE_TO)
        self.peers.publisher_of(topics.CURRENT_POSE)
        if self.number("observation_timeout") > 0.0:
            self.peers.publisher_of(topics.OBSERVATION)
        self._resets = self.health.counter("episodes begun")
        self._failures = self.health.counter("attempts failed")
        self._duration = self.health.timing("reset")

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the workspace's axes, in the order of a position."""
        return self.task.workspace.names

    @property
    def position(self) -> np.ndarray | None:
        """Where the end effector was last seen, normalised, shape (axes,)."""
        return self._position

    def wait_for_observation(self, episode: int, until: float, cancelled: Any) -> bool:
        """Whether the observation of step 0 comes before ``until`` (time.monotonic)."""
        with self._observed:
            while self._newest != (episode, True):
                if cancelled():
                    raise Cancelled("cancelled while waiting for the first observation")
                if time.monotonic() >= until:
                    return False
                self._observed.wait(_POLL)
        return True

    def _on_pose(self, message: PoseStamped) -> None:
        point, turn = message.pose.position, message.pose.orientation
        self._position = self.task.workspace.position_of(
            (point.x, point.y, point.z), (turn.x, turn.y, turn.z, turn.w)
        )

    def _on_observation(self, message: Observation) -> None:
        if message.step == 0:
            with self._observed:
                if message.episode >= self._newest[0]:
                    self._newest = (message.episode, True)
                    self._observed.notify_all()

    def _execute(self, goal: Goal) -> ResetEpisode.Result:
        request = goal.request
        began = time.monotonic()
        seconds = request.timeout or self.number("timeout") or self.task.reset.timeout
        start = self._starts.draw(request.seed if request.seeded else None)
        reasons: list[str] = []
        for attempt in range(1, self.task.reset.attempts + 1):
            run = _Run(self, goal, self._numbers.next(), began + seconds)
            try:
                if attempt > 1:
                    run.recover()
                run_routine(make_routine(self.task.reset, self.axes, start), run, run.tell)
                run.expect_observation()
            except StageFailed as failure:
                self._failures.add()
                reasons.append(str(failure))
                text = f"reset attempt {attempt} of {self.task.reset.attempts} failed: {failure}"
                self.get_logger().warning(text)
                self.health.problem("reset", health.WARN, text)
                if run.left <= 0.0:
                    reasons.append(f"the reset's {seconds:g} s are over")
                    break
                continue
            self._resets.add()
            self._duration.took(time.monotonic() - began)
            self.health.solved("reset")
            return ResetEpisode.Result(success=True, episode=run.episode)
        message = "; ".join(dict.fromkeys(reasons))
        self.health.problem("reset", health.ERROR, f"reset failed: {message}")
        self.get_logger().error(f"reset failed: {message}")
        return ResetEpisode.Result(success=False, message=message)


class _Run:
    """The body of one attempt: moves through `move_to` and says how far it is."""

    def __init__(self, node: ResetNode, goal: Goal, episode: int, until: float) -> None:
        self.episode = episode
        self._node, self._goal, self._until = node, goal, until
        self._stage, self._progress, self._said = "", 0.0, 0.0
        self._mover: RemoteAction = node.move_to

    @property
    def left(self) -> float:
        """Seconds of wall time that are left."""
        return self._until - time.monotonic()

    def tell(self, part: Part) -> None:
        """Feedback: a stage begins."""
        self._stage = part.stage
        self._progress = progress_of(part.stage, STAGES)
        self._feedback()

    def move(self, part: Move) -> np.ndarray:
        """Has the arm move."""
        request = self._goal.request
        goal = MoveTo.Goal(
            episode=self.episode if part.begins_episode else 0,
            begins_episode=part.begins_episode,
            seeded=part.begins_episode and request.seeded,
            seed=request.seed if part.begins_episode else 0,
            routine=part.routine,
            target=[] if part.target is None else np.asarray(part.target, np.float32).tolist(),
            speed=self._node.task.reset.speed,
        )
        return self._call(part.stage, goal)

    def rest(self, part: Rest) -> np.ndarray:
        """Waits until the arm stands still."""
        arm, time_itself = Stillness(part.seconds, part.distance), Stillness(_STANDS, 0.0)
        lately = Stillness(_STANDS, part.distance)  # a simulator's clock may tick as rarely
        clock = self._node.get_clock()
        while True:
            self._goal.check()
            position = self._node.position
            now = time.monotonic()
            time_itself.tell(np.array([clock.now().nanoseconds]), now)
            if position is not None:
                arm.tell(position, now)
                lately.tell(position, now)
                if arm.still(now) or (time_itself.still(now) and lately.still(now)):
                    return position
            if self.left <= 0.0:
                what = (
                    "nobody tells its pose" if position is None else "the arm does not stand still"
                )
                raise StageFailed(part.stage, f"{what}; waiting for {self._waiting() or 'the arm'}")
            self._beat()
            time.sleep(min(_POLL, max(part.seconds, 0.001)))

    def recover(self) -> None:
        """Has the body recover from a fault; a body that knows no recovery goes on without."""
        self._stage, self._progress = "recover", 0.0
        self._feedback()
        try:
            self._call("recover", MoveTo.Goal(routine="recover"))
        except StageFailed as failure:
            self._node.get_logger().info(f"no recovery: {failure}")

    def expect_observation(self) -> None:
        """Waits for the observation of step 0. Raises: StageFailed."""
        seconds = self._node.number("observation_timeout")
        if seconds <= 0.0:
            return
        self._progress = 1.0
        until = min(time.monotonic() + seconds, self._until)
        if not self._node.wait_for_observation(self.episode, until, self._beat):
            raise StageFailed(
                BEGIN, f"no Observation({self.episode}, 0) in {seconds:g} s from the stacker"
            )

    def _call(self, stage: str, goal: Any) -> np.ndarray:
        timeout = min(self._node.number("move_timeout"), self.left)
        goal.timeout = max(timeout, 0.0)
        try:
            result = self._mover.call(goal, max(timeout, 0.0), cancelled=self._beat)
        except RemoteTimeout as error:
            raise StageFailed(stage, f"{error} in {timeout:.1f} s") from error
        except RemoteError as error:
            raise StageFailed(stage, str(error)) from error
        if not result.success:
            raise StageFailed(stage, result.message or "the move failed without a reason")
        reached = np.asarray(result.reached, np.float64)
        if reached.shape != (len(self._node.axes),):
            raise StageFailed(
                stage, f"reached {reached.tolist()}, not a position on {self._node.axes}"
            )
        return reached

    def _beat(self) -> bool:
        """Says now and then what is waited for; returns whether to stop."""
        if time.monotonic() - self._said >= _BEAT:
            self._feedback()
        return self._goal.cancelled

    def _waiting(self) -> str:
        return self._node.peers.waiting_for()

    def _feedback(self) -> None:
        self._said = time.monotonic()
        self._goal.feedback(
            stage=self._stage, progress=float(self._progress), waiting_for=self._waiting()
        )


def main() -> None:
    """Entry point."""
    run_node(ResetNode)


if __name__ == "__main__":
    main()
