"""Reactions to the end of processes and to the launch's beginning (`launch.event_handlers`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.entity import Entity
from mentor_bringup.runner.keywords import KnownKeywords


@dataclass(frozen=True)
class IncludedLaunchDescription:
    """The event of the whole launch: its description is visited."""

    launch_description: Any


@dataclass(frozen=True)
class ProcessExited:
    """A process has ended; `returncode` is negative for a signal."""

    action: Entity
    process_name: str
    pid: int
    returncode: int


Reaction = Entity | Iterable[Entity] | Callable[[ProcessExited, LaunchContext], Any]


class OnProcessExit(metaclass=KnownKeywords):
    """Visit entities when a process ends: the one of an action, or any."""

    def __init__(
        self, *, target_action: Entity | None = None, on_exit: Reaction | None = None
    ) -> None:
        self.target_action = target_action
        self.on_exit = on_exit

    @property
    def entities(self) -> list[Entity]:
        """The entities that are visited, as far as known before the event."""
        return reactions(self.on_exit)

    def handle(self, event: ProcessExited, context: LaunchContext) -> list[Entity]:
        """Return what is to be visited because of `event`."""
        if self.target_action not in (None, event.action):
            return []
        if not isinstance(self.on_exit, Entity) and callable(self.on_exit):
            return reactions(self.on_exit(event, context))
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
