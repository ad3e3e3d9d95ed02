"""The thread that owns the environment: takes actions from DDS, publishes what they led to.

It reads the one subscription directly; an executor's turn would take ten times as long, and the
simulators want all their calls from one thread.
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

from mentor_common.messages.cdr import ActionRecord, CdrError, ObservationWriter, read_action
from mentor_common.messages.experience import nanoseconds_to_time, observation_message
from mentor_common.node.direct_reader import DirectReader, take_messages
from mentor_common.node.health import Health
from mentor_msgs.msg import Reward
from mentor_sim_bridge.bridge.episode_runner import Result, Stage, Verdict

LOOK = 0.25
"""Longest time in seconds that the thread sleeps at once."""


class BridgeLoop:
    """Carries out actions and resets, one at a time, on the thread that calls ``run``.

    Args:
        stage: the environment.
        context: of rclpy.
        subscription: of Action, raw, in a ``NoExecutor`` group.
        guard: a guard condition that no executor serves.
        publish_observation: hands the CDR bytes of an Observation to DDS before it returns.
        publish_reward: likewise a Reward.
        health: where verdicts and times are counted.
        now: ROS time in nanoseconds.
        deadline: seconds after an action's stamp in which it must begin; 0: for ever. The
            message's own goes first.
        say: called with the verdict and a sentence for each action that is not taken as it came.
    """

    def __init__(
        self,
        stage: Stage,
        context: Any,
        subscription: Any,
        guard: Any,
        publish_observation: Callable[[bytes], None],
        publish_reward: Callable[[Reward], None],
        health: Health,
        now: Callable[[], int],
        deadline: float = 0.0,
        say: Callable[[Verdict, str], None] = lambda verdict, text: None,
    ) -> None:
        self.stage = stage
        self.deadline = deadline
        self._subscription = subscription
        self._guard = guard
        self._publish_observation = publish_observation
        self._publish_reward = publish_reward
        self._now = now
        self._say = say
        self._reader = DirectReader(context, [subscription], guard)
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._verdicts = {verdict: health.counter(verdict.value) for verdict in Verdict}
        self._faults = health.counter("episodes cut off by a fault")
        self._episodes = health.counter("episodes")
        self._health = health
        self._rate = health.rate("steps")
        self._step_time = health.timing("step")
        self._writers: dict[str, ObservationWriter] = {}
        self._reward = Reward()

    def run(self, stopping: Callable[[], bool]) -> None:
        """Until ``stopping()``; whoever sets that wakes the thread by ``wake``."""
        while not stopping():
            self._serve_work()
            self._drain()
            self._reader.wait(LOOK)
        self._refuse_work()

    def wake(self) -> None:
        """Ends the thread's sleep; callable from any thread."""
        self._guard.trigger()

    def reset(self, seed: int | None, options: dict[str, Any]) -> Future[int]:
        """Has the thread begin an episode, whose number the future holds; from any thread."""
        return self._submit(lambda: self._reset(seed, options))

    def _submit(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._work.put((work, future))
        self.wake()
        return future

    def _serve_work(self) -> None:
        while not self._work.empty():
            work, future = self._work.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)

    def _refuse_work(self) -> None:
        while not self._work.empty():
            _, future = self._work.get()
            if future.set_running_or_notify_cancel():
                future.set_exception(RuntimeError("the bridge stops"))

    def _reset(self, seed: int | None, options: dict[str, Any]) -> int:
        episode = self.stage.reset(seed, options)
        self._episodes.add()
        self._show(episode, 0, self._now())
        return episode

    def _drain(self) -> None:
        # Raw: the client library's own reader ends the process at some broken messages.
        for raw in take_messages(self._subscription):
            try:
                record = read_action(raw)
            except CdrError as error:
                self._count(Verdict.UNREADABLE, str(error))
                continue
            self._hear(record)

    def _hear(self, message: ActionRecord) -> None:
        begin = time.perf_counter()
        verdict, action = self.stage.judge(message.episode, message.step, message.data)
        if verdict in (Verdict.TAKEN, Verdict.CLIPPED) and self._late(message):
            verdict = Verdict.LATE
        if verdict is not Verdict.TAKEN:
            self._count(verdict, f"action of episode {message.episode}, step {message.step}")
            if verdict is not Verdict.CLIPPED:
                return
        self._verdicts[Verdict.TAKEN].add()
        result = self.stage.act(action)
        stamp = self._now()
        # The reward goes first: the agent reads it while the picture is drawn.
        self._tell(result, stamp)
        self.stage.look(result)
        self._show(result.episode, result.step, stamp)
        self._rate.add()
        self._step_time.took(time.perf_counter() - begin)

    def _late(self, message: ActionRecord) -> bool:
        allowed = message.deadline or int(self.deadline * 1e9)
        return allowed > 0 and self._now() - message.stamp > allowed

    def _count(self, verdict: Verdict, text: str) -> None:
        self._verdicts[verdict].add()
        self._say(verdict, text)

    def _tell(self, result: Result, stamp: int) -> None:
        message = self._reward
        message.header.stamp = nanoseconds_to_time(stamp)
        message.header.frame_id = self.stage.task
        message.episode, message.step = result.episode, result.step
        message.value = result.reward
        message.term_names = list(result.terms)
        message.terms = array("d", result.terms.values())
        message.terminated, message.truncated = result.terminated, result.truncated
        message.success, message.valid = result.success, result.valid
        message.reason = result.reason
        if not result.valid:
            self._faults.add()
        if self.stage.over:
            for task, (successes, episodes) in self.stage.success_by_task().items():
                self._health.gauge(f"success of {task}").set(successes / max(episodes, 1))
        self._publish_reward(message)

    def _show(self, episode: int, step: int, stamp: int) -> None:
        stage = self.stage
        state = stage.state if stage.has_state else None
        raw = self._writer().write(stage.pixels, episode, step, stamp, state)
        self._publish_observation(raw)

    def _writer(self) -> ObservationWriter:
        stage = self.stage
        writer = self._writers.get(stage.task)
        if writer is None:
            blank = observation_message(
                np.zeros(stage.layout.shape, np.uint8),
                stage.layout,
                0,
                0,
                Time(),
                task=stage.task,
                state=np.zeros(stage.state_size, np.float32),
            )
            writer = self._writers[stage.task] = ObservationWriter(blank)
        return writer
