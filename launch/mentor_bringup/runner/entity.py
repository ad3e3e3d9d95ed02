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

    def nested(self) -> Iterable[Entity]:
        """Entities that may be visited because of this one, as far as known without running."""
        return ()


class Action(Entity):
    """An entity that happens only if its condition holds."""

    def __init__(self, *, condition: Condition | None = None) -> None:
        self.condition = condition


class LaunchDescription(Entity):
    """The entities of one launch file, in order."""

    def __init__(self, initial_entities: Iterable[Entity] | None = None) -> None:
        self.entities = list(initial_entities or ())

    def add_action(self, action: Entity) -> None:
        """Append an action."""
        self.entities.append(action)

    def add_entity(self, entity: Entity) -> None:
        """Append an entity."""
        self.entities.append(entity)

    def execute(self, context: LaunchContext) -> Iterable[Entity]:
        """Visit the entities."""
        return self.entities

    def nested(self) -> Iterable[Entity]:
        """Return the entities."""
        return self.entities
