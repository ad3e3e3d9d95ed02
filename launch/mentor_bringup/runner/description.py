"""The entities of one launch file, and the launch arguments that they declare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mentor_bringup.runner.actions import DeclareLaunchArgument
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.entity import Entity


class LaunchDescription(Entity):
    """The entities of one launch file, in order."""

    def __init__(self, initial_entities: Iterable[Entity] | None = None) -> None:
        self.entities = list(initial_entities or ())

    def add_action(self, action: Entity) -> None:
        """Append an action."""
        self.entities.append(action)

    def execute(self, context: LaunchContext) -> Iterable[Entity]:
        """Return the entities."""
        return self.entities

    def get_sub_entities(self) -> Iterable[Entity]:
        """Return the entities."""
        return self.entities

    def get_launch_arguments(self) -> list[DeclareLaunchArgument]:
        """Return the arguments of this description and of all that it includes, each name once."""
        found: dict[str, DeclareLaunchArgument] = {}
        _collect(self, False, (), found)
        return list(found.values())


def _collect(
    entity: Entity,
    conditional: bool,
    given: tuple[Any, ...],
    found: dict[str, DeclareLaunchArgument],
) -> None:
    """Collect arguments; as in the real launch, only the nearest condition marks them.

    Args:
        entity: declares an argument, or holds entities that do.
        conditional: whether what holds it has a condition.
        given: names of the arguments that includes around it give.
        found: the arguments so far, by name.
    """
    if isinstance(entity, DeclareLaunchArgument) and entity.name not in found:
        entity._conditionally_included = conditional or entity.condition is not None
        entity._given_by_includes = given
        found[entity.name] = entity
    given = (*given, *(name for name, _ in getattr(entity, "launch_arguments", ())))
    for part in entity.get_sub_entities():
        _collect(part, entity.condition is not None, given, found)
