"""What a running launch description knows: configurations, environment, event handlers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentor_bringup.runner.event_handlers import EventHandler
    from mentor_bringup.runner.service import LaunchService


@dataclass
class LaunchContext:
    """Passed to every entity and substitution; groups see a scope of their own."""

    launch_configurations: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    event_handlers: list[EventHandler] = field(default_factory=list)
    service: LaunchService | None = None
    launch_file: str | None = None

    def perform_substitution(self, substitution: Any) -> str:
        """Perform one substitution."""
        return str(substitution.perform(self))

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Forget what is set inside."""
        saved = dict(self.launch_configurations), dict(self.environment)
        try:
            yield
        finally:
            self.launch_configurations, self.environment = saved
