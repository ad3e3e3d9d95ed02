"""What a running launch description knows: configurations, environment, event handlers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mentor_bringup.runner.plan import ProcessPlan


class Service(Protocol):
    """What entities ask of whoever runs them; entities are not known here, so they are Any."""

    def log(self, level: str, who: str, text: str) -> None:
        """Print a line of the runner's own."""

    def visit(self, entity: Any) -> None:
        """Execute an entity if its condition holds, and whatever it returns."""

    def new_file(self, suffix: str) -> Path:
        """Return a path for a file that lives as long as the launch."""

    def start(self, action: Any, plan: ProcessPlan) -> None:
        """Start the process of `action`, once the description has been visited."""

    def shut_down(self, reason: str) -> None:
        """End every process."""


@dataclass
class LaunchContext:
    """Passed to every entity and substitution; groups see a scope of their own.

    Attributes:
        launch_configurations: values of the launch arguments and what actions have set.
        environment: environment of the processes that follow.
        argv: the launch arguments as they were given, `name:=value`.
        is_shutdown: whether the launch ends.
    """

    launch_configurations: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    argv: list[str] = field(default_factory=list)
    is_shutdown: bool = False
    event_handlers: list[Callable[[Any, LaunchContext], Iterable[Any]]] = field(
        default_factory=list
    )
    service: Service | None = None
    locals_: dict[str, Any] = field(default_factory=dict)

    def perform_substitution(self, substitution: Any) -> str:
        """Perform one substitution."""
        return str(substitution.perform(self))

    def get_locals_as_dict(self) -> dict[str, Any]:
        """Return what holds while an event is handled: `event`, the event itself."""
        return dict(self.locals_)

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Forget what is set inside."""
        saved = dict(self.launch_configurations), dict(self.environment)
        try:
            yield
        finally:
            self.launch_configurations, self.environment = saved
