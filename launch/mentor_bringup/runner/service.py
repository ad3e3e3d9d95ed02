"""Runs a launch description: starts its processes, follows their ends, ends them all."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from mentor_bringup.runner.child import Child
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.descendants import end_marked, ending_signals, new_mark
from mentor_bringup.runner.entity import Entity
from mentor_bringup.runner.event_handlers import IncludedLaunchDescription, ProcessExited
from mentor_bringup.runner.guardian import Guardian
from mentor_bringup.runner.output import Screen
from mentor_bringup.runner.plan import ProcessPlan
from mentor_bringup.runner.process import ExecuteProcess

SIGTERM_AFTER, SIGKILL_AFTER = 3.0, 1.2
"""Seconds from SIGINT to SIGTERM, and from there to SIGKILL: all is over within 5 s."""


class LaunchService:
    """Runs one launch description until its processes have ended."""

    def __init__(self, context: LaunchContext, screen: Screen) -> None:
        self._context, self._screen = context, screen
        context.service = self
        self._mark = new_mark()
        self._planned: list[tuple[ExecuteProcess, ProcessPlan]] = []
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

    def log(self, level: str, who: str, text: str) -> None:
        """Print a line of the runner's own."""
        self._screen.line(f"[{level}] [{who}]: {text}")

    def visit(self, entity: Entity) -> None:
        """Execute an entity if its condition holds, and whatever it returns."""
        if entity.condition is not None and not entity.condition.evaluate(self._context):
            return
        for further in entity.execute(self._context) or ():
            self.visit(further)

    def new_file(self, suffix: str) -> Path:
        """Return a path for a file that lives as long as the launch."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="launch_params_"))
        return self._folder / f"{len(list(self._folder.iterdir()))}{suffix}"

    def start(self, action: ExecuteProcess, plan: ProcessPlan) -> None:
        """Start a process when all entities have been visited without an error."""
        self._planned.append((action, plan))

    def shut_down(self, reason: str) -> None:
        """End every process: SIGINT, then SIGTERM, then SIGKILL."""
        if self._ending:
            return
        self._ending = True
        loop = asyncio.get_running_loop()
        loop.call_soon(self._mark_shutdown)  # after all that react to the same event
        if self._exiting is not None:
            self.log("INFO", "launch", f"process[{self._exiting.name}] was required: {reason}")
            self._blame(self._exiting)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for child in list(self._children):
            child.signal(signal.SIGINT)
            to_term = child.patience[0] or SIGTERM_AFTER
            to_kill = child.patience[1] or SIGKILL_AFTER
            for after, received, number in (
                (to_term, signal.SIGINT, signal.SIGTERM),
                (to_term + to_kill, signal.SIGTERM, signal.SIGKILL),
            ):
                loop.call_later(after, self._escalate, child, after, received, number)
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
        for number in ending_signals():
            loop.add_signal_handler(number, self._on_signal, number)
        self._context.locals_["event"] = IncludedLaunchDescription(description)
        self._visit_all(lambda: [description])
        self._end_if_idle()
        await self._done.wait()
        if not self._ending and self._first_dead is not None:
            self._blame(self._first_dead)
        # What is left to be ended is ended in a second: a Ctrl-C would only interrupt that.
        signal.pthread_sigmask(signal.SIG_BLOCK, ending_signals())
        if self._culprit is not None and self._status != 0:
            self._report_culprit(self._culprit)

    def _report_culprit(self, culprit: Child) -> None:
        """Log who has ended the launch, and what it printed last."""
        code = culprit.returncode or 0
        how = f" (killed by signal {-code})" if code < 0 else ""
        what = "its last lines:" if culprit.last_lines else "it has printed nothing"
        self.log("ERROR", "launch", f"{culprit.name} ended the launch{how}; {what}")
        for line in culprit.last_lines:
            self._screen.line(f"  | {line}")

    def _mark_shutdown(self) -> None:
        self._context.is_shutdown = True

    def _visit_all(self, entities: Callable[[], Iterable[Entity]]) -> None:
        """Visit entities, then start what they have planned; an error ends the launch."""
        self._planned = []
        try:
            for entity in entities():
                self.visit(entity)
            if not self._ending:
                for action, plan in self._planned:
                    self._start(action, plan)
        except Exception as error:  # a launch file may raise whatever it likes
            what = str(error) or repr(error)
            self.log("ERROR", "launch", f"Caught exception in launch: {what}")
            self.shut_down(f"an error in the launch file: {what}")
            self._status = self._status or 1

    def _start(self, action: ExecuteProcess, plan: ProcessPlan) -> None:
        """Start a process, and again when it ends if the plan asks for that."""
        self._started += 1
        plan = replace(plan, env={"PYTHONUNBUFFERED": "1"} | plan.env | self._mark)
        name = f"{plan.label}-{self._started}"
        loop = asyncio.get_running_loop()

        def begin() -> None:
            self._timers.difference_update([t for t in self._timers if t.when() <= loop.time()])
            if self._ending:
                return
            try:
                child = Child(name, plan, self._screen, ended)
            except OSError as error:
                self.log("ERROR", name, f"cannot be started: {error}")
                self.shut_down(f"{name} cannot be started")
                self._status = 1
                return
            self._children[child] = action
            self.log("INFO", name, f"process started with pid [{child.pid}]")

        def ended(child: Child, returncode: int) -> None:
            self._ended(child, returncode)
            if plan.respawn_delay is not None and not self._ending:
                self.log("INFO", name, f"process is started again in {plan.respawn_delay:g} s")
                self._timers.add(loop.call_later(plan.respawn_delay, begin))
            self._end_if_idle()

        begin()

    def _on_signal(self, number: signal.Signals) -> None:
        self._signals += 1
        if not self._ending:
            self.log("INFO", "launch", f"{number.name}: ending {len(self._children)} processes")
            self._status = 128 + number
            self.shut_down(number.name)
            self._mark_shutdown()
            return
        # A launch that ends by itself may be in the middle of its last checkpoint, too.
        harder = signal.SIGTERM if self._signals <= 2 else signal.SIGKILL
        for child in list(self._children):
            self.log("WARNING", child.name, f"interrupted again: sending {harder.name}")
            child.signal(harder)

    def _escalate(
        self, child: Child, seconds: float, received: signal.Signals, number: signal.Signals
    ) -> None:
        if child in self._children:
            what = f"failed to terminate '{seconds}' seconds after receiving '{received.name}'"
            self.log(
                "ERROR",
                child.name,
                f"process[{child.name}] {what}, escalating to '{number.name}'",
            )
            child.signal(number)

    def _ended(self, child: Child, returncode: int) -> None:
        action = self._children.pop(child)
        if returncode == 0:
            self.log("INFO", child.name, f"process has finished cleanly [pid {child.pid}]")
        else:
            ending = self._ending and returncode in (-2, -15, 130, 143)
            self.log(
                "INFO" if ending else "ERROR",
                child.name,
                f"process has died [pid {child.pid}, exit code {returncode}, "
                f"cmd '{shlex.join(child.command)}'].",
            )
            if self._first_dead is None and not self._ending:
                self._first_dead = child
        self._exiting = child
        event = ProcessExited(action, child.name, child.pid, returncode)
        self._context.locals_["event"] = event
        for handle in list(self._context.event_handlers):
            self._visit_all(lambda handle=handle: handle(event, self._context))  # type: ignore[misc]
        self._exiting = None

    def _blame(self, child: Child) -> None:
        """Make the process's status the launch's."""
        code = child.returncode or 0
        self._culprit, self._status = child, 128 - code if code < 0 else code

    def _end_if_idle(self) -> None:
        if not self._children and not self._timers:
            self._done.set()
