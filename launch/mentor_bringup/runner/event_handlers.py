"""Reactions to what happens to processes (`launch.event_handlers`, `launch.events`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.entity import Entity
from mentor_bringup.runner.keywords import KnownKeywords


class ShutdownEvent(metaclass=KnownKeywords):
    """The launch ends (`launch.events.Shutdown`)."""

    def __init__(self, *, reason: str = "reason not given", due_to_sigint: bool = False) -> None:
        self.reason, self.due_to_sigint = reason, due_to_sigint


@dataclass
class ProcessStarted:
    """A process has started."""

    action: Entity
    process_name: str
    pid: int


@dataclass
class ProcessExited(ProcessStarted):
    """A process has ended; `returncode` is negative for a signal."""

    returncode: int


Reaction = Entity | Iterable[Entity] | Callable[[Any, LaunchContext], Any]


class EventHandler(metaclass=KnownKeywords):
    """Visits entities when a matching event comes."""

    event_type: type[Any] = object

    def __init__(self, target_action: Entity | None, reaction: Reaction | None) -> None:
        self.target_action = target_action
        self.reaction = reaction

    @property
    def entities(self) -> list[Entity]:
        """What is visited, as far as known before the event."""
        return reactions(self.reaction)

    def handle(self, event: Any, context: LaunchContext) -> list[Entity]:
        """Return what is to be visited because of `event`."""
        if not isinstance(event, self.event_type):
            return []
        if self.target_action not in (None, getattr(event, "action", None)):
            return []
        if not isinstance(self.reaction, Entity) and callable(self.reaction):
            return reactions(self.reaction(event, context))
        return self.entities


def reactions(reaction: Reaction | None) -> list[Entity]:
    """Return a reaction's entities; a function's are not known before it is called."""
    if reaction is None:
        return []
    if isinstance(reaction, Entity):
        return [reaction]
    if callable(reaction):
        return []
    return list(reaction)


class OnProcessExit(EventHandler):
    """When a process ends."""

    event_type = ProcessExited

    def __init__(
        self, *, target_action: Entity | None = None, on_exit: Reaction | None = None
    ) -> None:
        super().__init__(target_action, on_exit)


class OnProcessStart(EventHandler):
    """When a process starts."""

    event_type = ProcessStarted

    def __init__(
        self, *, target_action: Entity | None = None, on_start: Reaction | None = None
    ) -> None:
        super().__init__(target_action, on_start)

    def handle(self, event: Any, context: LaunchContext) -> list[Entity]:
        """Return what is to be visited because of `event`."""
        return [] if isinstance(event, ProcessExited) else super().handle(event, context)


class OnShutdown(EventHandler):
    """When the launch ends."""

    event_type = ShutdownEvent

    def __init__(self, *, on_shutdown: Reaction | None = None) -> None:
        super().__init__(None, on_shutdown)
