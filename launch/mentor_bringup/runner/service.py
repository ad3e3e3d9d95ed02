"""Runs a launch description: starts its processes, hears their ends, ends them all."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mentor_bringup.runner.child import Child
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.descendants import end_marked, new_mark
from mentor_bringup.runner.entity import Entity
from mentor_bringup.runner.event_handlers import ProcessExited, ProcessStarted, ShutdownEvent
from mentor_bringup.runner.guardian import Guardian
from mentor_bringup.runner.output import Screen
from mentor_bringup.runner.plan import ProcessPlan
from mentor_bringup.runner.process import ExecuteProcess
from mentor_bringup.runner.refusal import LaunchRefused

SIGTERM_AFTER, SIGKILL_AFTER = 3.0, 1.2
"""Seconds from SIGINT to SIGTERM, and from there to SIGKILL: all is over within 5 s."""


class LaunchService:
    """Runs one launch description until its processes have ended."""

    def __init__(self, context: LaunchContext, screen: Screen) -> None:
        self._context, self._screen = context, screen
        context.service = self
        self._mark = new_mark()
        self._children: dict[Child, ExecuteProcess] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._started = 0
        self._ending = False
        self._signals = 0
        self._status = 0
        self._culprit: Child | None = None  # whose end has ended the launch
        self._first_dead: Child | None = None
        self._exiting: Child | None = None
        self._done: asyncio.Event
        self._folder: Path | None = None

    # ---- what entities ask for ----

    def say(self, level: str, who: str, text: str) -> None:
        """Print a line of the runner's own."""
        self._screen.line(f"[{level}] [{who}]: {text}")

    def visit(self, entity: Entity) -> None:
        """Execute an entity if its condition holds, and whatever it returns."""
        if self._ending and isinstance(entity, ExecuteProcess):
            return
        if entity.condition is not None and not entity.condition.evaluate(self._context):
            return
        for further in entity.execute(self._context) or ():
            self.visit(further)

    def new_file(self, suffix: str) -> Path:
        """Return a path for a file that lives as long as the launch."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="launch_params_"))
        return self._folder / f"{len(list(self._folder.iterdir()))}{suffix}"

    def call_later(self, seconds: float, actions: Iterable[Entity]) -> None:
        """Visit `actions` after some seconds."""
        handle: list[asyncio.TimerHandle] = []

        def fire() -> None:
            self._timers.discard(handle[0])
            self._visit_all(actions)
            self._end_if_idle()

        handle.append(asyncio.get_running_loop().call_later(seconds, fire))
        self._timers.add(handle[0])

    def start(self, action: ExecuteProcess, plan: ProcessPlan) -> None:
        """Start a process, and again when it ends if the plan says so."""
        self._started += 1
        plan = replace(plan, env={"PYTHONUNBUFFERED": "1"} | plan.env | self._mark)
        name = f"{plan.label}-{self._started}"

        def begin() -> None:
            self._timers.difference_update([t for t in self._timers if t.when() <= loop.time()])
            if self._ending:
                return
            try:
                child = Child(name, plan, self._screen, ended)
            except OSError as error:
                raise LaunchRefused(f"[{name}] cannot be started: {error}") from error
            self._children[child] = action
            self.say("INFO", name, f"process started with pid [{child.pid}]")
            self._emit(ProcessStarted(action, name, child.pid))

        def ended(child: Child, returncode: int) -> None:
            self._ended(child, returncode)
            if plan.respawn_delay is not None and not self._ending:
                self.say("INFO", name, f"process is started again in {plan.respawn_delay:g} s")
                self._timers.add(loop.call_later(plan.respawn_delay, self._guarded, begin))
            self._end_if_idle()

        loop = asyncio.get_running_loop()
        begin()

    def shut_down(self, reason: str) -> None:
        """End every process: SIGINT, then SIGTERM, then SIGKILL."""
        if self._ending:
            return
        self._ending = True
        if self._exiting is not None:
            self.say("INFO", self._exiting.name, "process was required: shutting down the launch")
            self._blame(self._exiting)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._emit(ShutdownEvent(reason=reason))
        loop = asyncio.get_running_loop()
        for child in list(self._children):
            self._signal(child, signal.SIGINT)
            to_term = child.patience[0] or SIGTERM_AFTER
            to_kill = child.patience[1] or SIGKILL_AFTER
            loop.call_later(to_term, self._signal, child, signal.SIGTERM)
            loop.call_later(to_term + to_kill, self._signal, child, signal.SIGKILL)
        self._end_if_idle()

    # ---- the run ----

    def run(self, description: Entity) -> int:
        """Run until every process has ended; return the launch's exit status."""
        guardian = Guardian(self._mark)
        try:
            asyncio.run(self._run(description))
        finally:
            end_marked(self._mark, patience=(0.3, 0.3))  # children of children that stayed behind
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            guardian.dismiss()
        return self._status

    async def _run(self, description: Entity) -> None:
        self._done = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal, number)
        self._visit_all([description])
        self._end_if_idle()
        await self._done.wait()
        if not self._ending and self._first_dead is not None:
            self._blame(self._first_dead)
        if self._culprit is not None and self._status != 0:
            self.say("ERROR", "launch", f"{self._culprit.name} ended the launch; its last lines:")
            for line in self._culprit.last_lines:
                self._screen.line(f"  | {line}")

    def _visit_all(self, entities: Iterable[Entity]) -> None:
        def visit_each() -> None:
            for entity in entities:
                self.visit(entity)

        self._guarded(visit_each)

    def _guarded(self, act: Callable[[], object]) -> None:
        """Act; what is refused ends the launch."""
        try:
            act()
        except LaunchRefused as refusal:
            self.say("ERROR", "launch", str(refusal))
            self.shut_down("the launch file cannot be run")
            self._status = 1

    def _on_signal(self, number: signal.Signals) -> None:
        self._signals += 1
        if not self._ending:
            self.say("INFO", "launch", f"{number.name}: ending {len(self._children)} processes")
            self._status = 128 + number
            self.shut_down(number.name)
            return
        harder = signal.SIGTERM if self._signals == 2 else signal.SIGKILL
        for child in list(self._children):
            self._signal(child, harder)

    def _signal(self, child: Child, number: signal.Signals) -> None:
        if child not in self._children:
            return
        if number != signal.SIGINT:
            self.say("WARNING", child.name, f"process still runs: sending {number.name}")
        child.signal(number)

    def _ended(self, child: Child, returncode: int) -> None:
        action = self._children.pop(child)
        if returncode == 0:
            self.say("INFO", child.name, f"process has finished cleanly [pid {child.pid}]")
        else:
            level = "INFO" if self._ending and returncode in (-2, -15, 130, 143) else "ERROR"
            self.say(
                level,
                child.name,
                f"process has died [pid {child.pid}, exit code {returncode}, "
                f"cmd '{shlex.join(child.command)}'].",
            )
            if self._first_dead is None and not self._ending:
                self._first_dead = child
        self._exiting = child
        self._emit(ProcessExited(action, child.name, child.pid, returncode))
        self._exiting = None

    def _blame(self, child: Child) -> None:
        """The process's status becomes the launch's."""
        code = child.returncode or 0
        self._culprit, self._status = child, 128 - code if code < 0 else code

    def _emit(self, event: Any) -> None:
        for handle in list(self._context.event_handlers):
            self._visit_all(handle(event, self._context))

    def _end_if_idle(self) -> None:
        if not self._children and not self._timers:
            self._done.set()
