"""Node: serves `reset_episode` by carrying out the reset routine of the task."""

from __future__ import annotations

import json
import os
import threading
import time
import traceback
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from geometry_msgs.msg import PoseStamped
from std_srvs.srv import Trigger

from mentor_common.messages import topics
from mentor_common.messages.episode_numbers import EpisodeNumbers
from mentor_common.messages.topics import Interface
from mentor_common.node import health
from mentor_common.node.cell_node import CellNode
from mentor_common.node.goal_server import Goal
from mentor_common.node.parameters import TASK, Param, wall_seconds
from mentor_common.node.remote_action import Cancelled
from mentor_common.node.running import main as run_node
from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.reset_routine import (
    BEGIN_EPISODE,
    Move,
    PartFailed,
    ResetContext,
    make_routine,
)
from mentor_common.tasks.task import find_task
from mentor_msgs.action import Recover, ResetEpisode
from mentor_msgs.msg import EpisodeStart, Observation
from mentor_reset.execution.attempt import progress_of, run_routine
from mentor_reset.execution.backoff import backoff
from mentor_reset.execution.help_request import REPEATED, HelpRequest
from mentor_reset.execution.part_runner import POLL, CellAccess, NewEpisode, PartRunner
from mentor_reset.execution.reset_options import options_of_goal, options_of_parameter
from mentor_reset.execution.saved_state import SavedState

CONTINUE = Interface("~/continue", Trigger)
_RECOVER = Move("recover")


class ResetNode(CellNode):
    """Begins episodes: numbers them, samples their start and window, and runs the task's routine.

    A routine that fails is run again from its first part (an attempt), with a new episode number,
    as often as the task file allows, after a pause and a recovery of the arm. What a routine asks
    of a person is logged, reported and answered by calling `~/continue`.
    """

    NAME = "reset"
    PARAMETERS: ClassVar = (
        TASK,
        wall_seconds("timeout", 0.0, "for a whole reset, if the goal names none; 0: that of the "
                     "task", 0.0, 3600.0),
        wall_seconds("move_timeout", 20.0, "for a single move or command to the gripper",
                     0.1, 600.0),
        wall_seconds("observation_timeout", 3.0, "in which the observation of step 0 must come; "
                     "0: it is not waited for", 0.0, 60.0),
        Param(
            "position_tolerance", "float", 0.1,
            "distance from its target, normalised, within which a move has done what it should",
            low=0.001, high=2.0,
        ),
        Param(
            "options", "str", "",
            "JSON object: options of every reset whose goal does not name them",
            read_only=True,
        ),
        Param(
            "state_file", "str", "",
            "where a routine saves what the next reset must know; empty: below $ROS_HOME or ~/.ros",
            read_only=True,
        ),
    )  # fmt: skip

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__(**node_arguments)
        self._numbers = EpisodeNumbers()

    def configure(self) -> None:
        """Make the routine, the server and the clients of the arm."""
        self._task = task = find_task(self.text("task"))
        self._routine = make_routine(task)
        self._known = getattr(self._routine, "options", {})  # a plug-in may be no subclass
        self._options = options_of_parameter(self.text("options"), task, self._known)
        self._draws = EpisodeDraws(task)
        self._saved = SavedState(self._state_file())
        self._help = HelpRequest()
        self._position: np.ndarray | None = None
        self._awaited, self._observed = 0, threading.Event()
        self._recover = self.remote_action(topics.RECOVER)
        self._starts = self.publisher(topics.EPISODE_START)
        pose = topics.of_any_publisher(topics.CURRENT_POSE)
        self.subscription(pose, self._on_pose)
        self.subscription(topics.OBSERVATION, self._on_observation)
        self.serve_action(topics.RESET_EPISODE, self._reset)
        self.serve(CONTINUE, self._on_continue)
        self.peers.action(topics.MOVE_TO)
        self.peers.publisher_of(pose)
        if self.number("observation_timeout") > 0.0:
            self.peers.publisher_of(topics.OBSERVATION)
        self._resets = self.health.counter("episodes begun")
        self._failures = self.health.counter("attempts failed")
        self._not_finite = self.health.counter("poses not finite")
        self._duration = self.health.timing("reset")
        self._cell = CellAccess(
            move_to=self.remote_action(topics.MOVE_TO),
            gripper=self.remote_action(topics.GRIPPER),
            position=lambda: self._position,
            ros_time=lambda: self.get_clock().now().nanoseconds,
            waiting_for=self.peers.waiting_for,
            announce_start=self._announce_start,
            help=self._help,
            announce_help=self._announce_help,
            saved=self._saved,
            axes=task.workspace.names,
            speed=task.reset.speed,
            tolerance=lambda: self.number("position_tolerance"),
            move_timeout=lambda: self.number("move_timeout"),
        )
        self._routine.open(self)

    def activate(self) -> None:
        """Begin anew: failures of the last activation neither delay a reset nor are reported."""
        self._failed_resets = 0
        self.health.solved("reset")

    def cleanup(self) -> None:
        """Let go of the routine's devices."""
        self._routine.close()

    def _state_file(self) -> Path:
        if self.text("state_file"):
            return Path(self.text("state_file")).expanduser()
        home = Path(os.environ.get("ROS_HOME") or Path.home() / ".ros")
        cell = self.get_namespace().strip("/").replace("/", "_") or "cell"
        return home / "mentor" / f"{cell}_{self._task.name}_reset.json"

    def _on_pose(self, message: PoseStamped) -> None:
        point, turn = message.pose.position, message.pose.orientation
        position = self._task.workspace.position_of(
            (point.x, point.y, point.z), (turn.x, turn.y, turn.z, turn.w)
        )
        if np.isfinite(position).all():  # an arm at NaN would seem to stand still
            self._position = position
        else:
            self._not_finite.add()

    def _on_observation(self, message: Observation) -> None:
        if (message.episode, message.step) == (self._awaited, 0):
            self._observed.set()

    def _on_continue(
        self, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        """Note that a person did what was asked for."""
        text = self._help.answer()
        response.success = bool(text)
        if text:
            response.message = f"the reset continues; done was: {text}"
        elif asked := self._help.text:
            response.message = (
                f"the last answer came less than {REPEATED:g} s ago; when this is done too, call "
                f"again: {asked}"
            )
        else:
            response.message = "nothing is asked for"
        return response

    # The goal's thread.

    def _reset(self, goal: Goal) -> ResetEpisode.Result:
        request, attempts = goal.request, self._task.reset.attempts
        if not request.timeout >= 0.0:  # a NaN neither: it would never be over
            text = f"reset: timeout is {request.timeout:g}, must be seconds, or 0 for the node's"
            return ResetEpisode.Result(success=False, message=text)
        try:
            given = options_of_goal(request, self._task, self._known)
        except ValueError as error:
            return ResetEpisode.Result(success=False, message=str(error))
        options = {**self._options, **given}
        began = time.monotonic()
        seconds = request.timeout or self.number("timeout") or self._task.reset.timeout
        goal.wait(min(backoff(self._failed_resets), seconds / 2.0))
        seed = int(request.seed) if request.seeded else None
        draw = self._draws.draw(seed)
        until, reasons = began + seconds, []
        for attempt in range(1, attempts + 1):
            episode = NewEpisode(self._numbers.next(), seed, draw, options)
            runner = PartRunner(self._cell, goal, episode, until, self._progress)
            try:
                if attempt > 1:
                    goal.wait(max(0.0, min(backoff(attempt - 1), runner.left)))
                    self._end_fault(runner)
                self._run(runner, episode, attempt)
            except Cancelled:
                raise
            except Exception as failure:  # a routine or its devices may raise whatever they like
                until = runner.until
                self._failures.add()
                expected = isinstance(failure, (OSError, RuntimeError, ValueError))
                reason = str(failure) if expected else f"{type(failure).__name__}: {failure}"
                reasons.append(reason)
                text = f"reset attempt {attempt} of {attempts} failed: {reason}"
                self.get_logger().debug(traceback.format_exc())
                self.get_logger().warning(text)
                self.health.problem("reset", health.WARN, text)
                if runner.left <= 0.0:
                    reasons.append(f"the reset's {seconds:g} s are over")
                    break
                continue
            self._resets.add()
            self._failed_resets = 0
            self._duration.took(time.monotonic() - began)
            self.health.solved("reset")
            return ResetEpisode.Result(success=True, episode=episode.number)
        self._failed_resets += 1
        message = "; ".join(dict.fromkeys(reasons))
        self.health.problem("reset", health.ERROR, f"reset failed: {message}")
        self.get_logger().error(f"reset failed: {message}")
        return ResetEpisode.Result(success=False, message=message)

    def _progress(self, stage: str) -> float:
        return progress_of(stage, self._routine.stages)

    def _run(self, runner: PartRunner, episode: NewEpisode, attempt: int) -> None:
        draw = episode.draw
        context = ResetContext(
            draw.start,
            draw.window_offset,
            np.random.default_rng(draw.seed),  # the same for every attempt
            episode.options,
            attempt,
            self._saved.load(),
            episode.seed,
            self._saved.file,
        )
        run_routine(self._routine.parts(context), runner.carry_out)
        self._await_observation(runner, episode.number)

    def _announce_start(self, episode: NewEpisode) -> None:
        self._awaited = episode.number
        self._observed.clear()
        message = EpisodeStart(
            episode=episode.number,
            seeded=episode.seed is not None,
            seed=episode.draw.drawn_from,
            start=episode.draw.start.tolist(),
            window_offset=episode.draw.window_offset.tolist(),
            option_names=list(episode.options),
            option_values=[json.dumps(value) for value in episode.options.values()],
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._starts.publish(message)

    def _await_observation(self, runner: PartRunner, episode: int) -> None:
        seconds = self.number("observation_timeout")
        if seconds <= 0.0:
            return
        until = min(time.monotonic() + seconds, runner.until)
        while not self._observed.wait(POLL):
            if runner.poll():
                raise Cancelled("cancelled while waiting for the first observation")
            if time.monotonic() >= until:
                reason = f"no Observation({episode}, 0) in {seconds:g} s from the stacker"
                raise PartFailed(Move(BEGIN_EPISODE), reason)

    def _end_fault(self, runner: PartRunner) -> None:
        """Have the arm recover from its fault; an arm that serves no recovery continues without."""
        runner.begin_stage(_RECOVER.stage)
        if not self._recover.served:
            self.get_logger().info(f"nobody serves {topics.RECOVER.name}: tried anew without it")
            return
        result = runner.call(_RECOVER, self._recover, Recover.Goal())
        if not result.success:
            raise PartFailed(_RECOVER, result.message or "the recovery failed without a reason")

    def _announce_help(self, request: str) -> None:
        if not request:
            self.health.solved("help")
            return
        service = self.resolve_service_name(CONTINUE.name)
        call = f"python -m mentor_bringup.call {service}"
        text = f"a person is needed: {request}; when it is done: {call}"
        self.health.problem("help", health.ERROR, text)
        self.get_logger().error(text)


def main() -> None:
    """Run the reset node."""
    run_node(ResetNode)


if __name__ == "__main__":
    main()
