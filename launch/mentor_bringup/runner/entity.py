"""What every part of a launch description is made of."""

from __future__ import annotations

from collections.abc import Iterable

from mentor_bringup.runner.conditions import Condition
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.keywords import KnownKeywords


class Entity(metaclass=KnownKeywords):
    """A part of a launch description."""

    condition: Condition | None = None

    def execute(self, context: LaunchContext) -> Iterable[Entity] | None:
        """Do what the entity stands for; returned entities are visited next."""
        raise NotImplementedError

    def get_sub_entities(self) -> Iterable[Entity]:
        """Return the entities that this one may lead to, as far as known without running."""
        return ()


class Action(Entity):
    """An entity that is executed only if its condition holds."""

    def __init__(self, *, condition: Condition | None = None) -> None:
        self.condition = condition
