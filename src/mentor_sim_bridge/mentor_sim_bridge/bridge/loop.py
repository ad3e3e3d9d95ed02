"""The thread that owns the environment: receives actions, publishes observations and rewards.

It reads the one subscription directly, which takes a tenth of the time that an executor takes; and
simulators must be called from one thread.
"""

from __future__ import annotations

import queue
import time
from array import array
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time

from mentor_common.arm.action_report import ActionReport
from mentor_common.arm.command import Command, CommandStatus
from mentor_common.messages.cdr import ActionRecord, CdrError, ObservationWriter, read_action
from mentor_common.messages.experience import nanoseconds_to_time, observation_message
from mentor_common.node.direct_reader import DirectReader, take_with_sender
from mentor_common.node.handed_work import carry_out
from mentor_common.node.health import Health
from mentor_msgs.msg import Reward
from mentor_sim_bridge.bridge.episode_runner import EpisodeRunner, StepResult, failed_step

LONGEST_WAIT = 0.25
"""Seconds that the thread sleeps at most."""
PATIENCE = 2.0
"""Seconds in which another action may follow one that was refused; then its step fails."""
CUT_OFF = "the episode was ended early, by another reset or as the bridge became inactive"


class BridgeLoop:
    """Executes actions and resets, one at a time, on the thread that calls ``run``.

    Args:
        runner: runner of the environment's episodes.
        context: context of rclpy.
        subscription: subscription of Action, raw, in a ``NoExecutor`` group.
        guard: a guard condition that no executor serves.
        publish_observation: called with the CDR bytes of an Observation.
        publish_reward: called with a Reward, which is used again afterwards.
        health: counts the actions by status, and times.
        now: ROS time in nanoseconds.
        deadline: seconds after an action's stamp within which it must begin, where the message
            has none; 0: no limit.
        report: called with the status and the reason for each action that is not executed as it
            is.
        permits: whether an action of this sender may move anything, as its agent holds the cell.
        debug: called after each step with what makes a log line of it.
    """

    def __init__(
        self,
        runner: EpisodeRunner,
        context: Any,
        subscription: Any,
        guard: Any,
        publish_observation: Callable[[bytes], None],
        publish_reward: Callable[[Reward], None],
        health: Health,
        now: Callable[[], int],
        deadline: float = 0.0,
        report: Callable[[CommandStatus, str], None] = lambda status, reason: None,
        permits: Callable[[bytes], bool] = lambda sender: True,
        debug: Callable[[Callable[[], str]], None] = lambda text: None,
    ) -> None:
        self.runner = runner
        self.deadline = deadline
        self._subscription = subscription
        self._guard = guard
        self._publish_observation = publish_observation
        self._publish_reward = publish_reward
        self._now = now
        self._report = report
        self._permits = permits
        self._debug = debug
        self._reader = DirectReader(context, [subscription], guard)
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._actions = ActionReport(health)
        self._faults = health.counter("episodes cut off by a fault")
        self._episodes = health.counter("episodes")
        self._health = health
        self._rate = health.rate("steps")
        self._step_time = health.timing("step")
        self._writers: dict[str, ObservationWriter] = {}
        self._reward = Reward()
        self._refused: tuple[str, float] | None = None

    def run(self, stopping: Callable[[], bool]) -> None:
        """Run until ``stopping()``, which ends the episode; whoever sets that calls ``wake``."""
        while not stopping():
            self._serve_work()
            self._drain()
            self._fail_refused_step()
            self._reader.wait(LONGEST_WAIT)
        self.runner.end_episode()
        self._refused = None
        self._refuse_work()

    def wake(self) -> None:
        """End the thread's sleep; callable from any thread."""
        self._guard.trigger()

    def reset(self, seed: int | None, options: dict[str, Any]) -> Future[int]:
        """Let the thread begin an episode, whose number is the future's result; from any thread."""
        return self._submit(lambda: self._reset(seed, options))

    def _submit(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._work.put((work, future))
        self.wake()
        return future

    def _serve_work(self) -> None:
        while not self._work.empty():
            carry_out(*self._work.get())

    def _refuse_work(self) -> None:
        while not self._work.empty():
            _, future = self._work.get()
            if future.set_running_or_notify_cancel():
                future.set_exception(RuntimeError("the bridge is stopping"))

    def _reset(self, seed: int | None, options: dict[str, Any]) -> int:
        self._refused = None
        episode = self.runner.reset(seed, options)
        self._episodes.add()
        self._send_observation(episode, 0, self._now())
        return episode

    def _drain(self) -> None:
        # Raw: at some malformed messages the client library's own reader ends the process.
        for raw, sender in take_with_sender(self._subscription):
            if not self._permits(sender):
                self._actions.note(CommandStatus.OTHER_AGENT)
                continue
            try:
                record = read_action(raw)
            except CdrError as error:
                self._count(CommandStatus.UNREADABLE, str(error))
                continue
            self._execute(record)

    def _execute(self, record: ActionRecord) -> None:
        begin = time.perf_counter()
        deadline = record.deadline or int(self.deadline * 1e9)
        command = Command(record.episode, record.step, record.data, record.stamp, deadline)
        status, reason, action = self.runner.check(command, self._now())
        self._count(status, reason)
        if not status.executed:
            self._answer_refused(command, status, reason)
            return
        self._refused = None
        result = self.runner.act(action)
        self._send(result)
        self._rate.add()
        took = time.perf_counter() - begin
        self._step_time.took(took)
        self._debug(
            lambda: (
                f"step ({result.episode}, {result.step}): action {action.tolist()}, reward "
                f"{result.reward:.6g}, {took * 1e3:.1f} ms"
            )
        )

    def _answer_refused(self, command: Command, status: CommandStatus, reason: str) -> None:
        """Spare the agent of a refused action the wait for a step that never comes."""
        if (command.episode, command.step) == self.runner.cut_off:
            self._send(failed_step(command.episode, command.step + 1, CUT_OFF))
        elif status.leaves_step_waiting and self._refused is None:
            self._refused = f"{status.value}: {reason}", time.monotonic()

    def _fail_refused_step(self) -> None:
        """End the episode whose action was refused, if no other has followed."""
        if self._refused is None or time.monotonic() - self._refused[1] < PATIENCE:
            return
        reason, self._refused = self._refused[0], None
        if not self.runner.over:
            self._send(self.runner.fail(reason))

    def _send(self, result: StepResult) -> None:
        stamp = self._now()
        # The reward goes first: the agent reads it while the image is rendered.
        self._send_reward(result, stamp)
        self.runner.observe(result)
        self._send_observation(result.episode, result.step, stamp)

    def _count(self, status: CommandStatus, reason: str) -> None:
        self._actions.note(status, reason)
        if status is not CommandStatus.EXECUTED:
            self._report(status, reason)

    def _send_reward(self, result: StepResult, stamp: int) -> None:
        message = self._reward
        message.header.stamp = nanoseconds_to_time(stamp)
        message.header.frame_id = self.runner.task
        message.episode, message.step = result.episode, result.step
        message.value = result.reward
        message.term_names = list(result.terms)
        message.terms = array("d", result.terms.values())
        message.terminated, message.truncated = result.terminated, result.truncated
        message.success, message.valid = result.success, result.valid
        message.reason = result.reason
        if not result.valid:
            self._faults.add()
        if self.runner.over:
            for task, (successes, episodes) in self.runner.success_by_task().items():
                self._health.gauge(f"success of {task}").set(successes / max(episodes, 1))
        self._publish_reward(message)

    def _send_observation(self, episode: int, step: int, stamp: int) -> None:
        runner = self.runner
        state = runner.state if runner.has_state else None
        raw = self._writer().write(runner.pixels, episode, step, stamp, state)
        self._publish_observation(raw)

    def _writer(self) -> ObservationWriter:
        runner = self.runner
        writer = self._writers.get(runner.task)
        if writer is None:
            blank = observation_message(
                np.zeros(runner.layout.shape, np.uint8),
                runner.layout,
                0,
                0,
                Time(),
                task=runner.task,
                state=np.zeros(runner.state_size, np.float32),
            )
            writer = self._writers[runner.task] = ObservationWriter(blank)
        return writer
