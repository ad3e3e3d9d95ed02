"""Actions that start no process themselves (`launch.actions`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from mentor_bringup.runner.conditions import Condition
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.entity import Action, Entity
from mentor_bringup.runner.event_handlers import OnProcessExit
from mentor_bringup.runner.refusal import LaunchRefused
from mentor_bringup.runner.substitutions import (
    Substitution,
    Texts,
    is_substitution,
    normalize,
    perform,
)


class DeclareLaunchArgument(Action):
    """Declare an argument that the user may give as `name:=value`."""

    _conditionally_included = False  # as the real launch calls it
    _given_by_includes: tuple[Any, ...] = ()

    def __init__(
        self,
        name: str,
        *,
        default_value: Texts | None = None,
        description: str | None = None,
        choices: list[str] | None = None,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.name = name
        self.choices = choices
        self.default_value: list[Substitution] | None = None
        if default_value is not None:
            self.default_value = normalize(default_value)
            if choices and isinstance(default_value, str) and default_value not in choices:
                raise LaunchRefused(
                    f"argument '{name}': default '{default_value}' is not one of its choices: "
                    f"{', '.join(choices)}"
                )
        self.description = description or ("" if choices else "no description given")
        if choices is not None:
            self.description = f"{self.description.rstrip('.')}. " if self.description else ""
            self.description += f"Valid choices are: {choices}"

    def is_given_by(self, names: Collection[str]) -> bool:
        """Return whether an include that gives these names may visit the file."""
        free = self._conditionally_included or self.default_value is not None
        return free or self.name in (*names, *self._given_by_includes)

    def execute(self, context: LaunchContext) -> None:
        """Set the default where the user gave nothing; check the choice."""
        if self.name not in context.launch_configurations:
            if self.default_value is None:
                raise LaunchRefused(
                    f"argument '{self.name}' has no default and was not given; "
                    f"give {self.name}:=<value> ({self.description})"
                )
            context.launch_configurations[self.name] = perform(context, self.default_value)
        value = context.launch_configurations[self.name]
        if self.choices is not None and value not in self.choices:
            raise LaunchRefused(
                f"argument '{self.name}' cannot be '{value}'; valid: {', '.join(self.choices)}"
            )


class SetLaunchConfiguration(Action):
    """Set a launch configuration."""

    def __init__(self, name: Texts, value: Any, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.name, self.value = name, value

    def execute(self, context: LaunchContext) -> None:
        """Set it."""
        value = perform(context, self.value) if is_substitution(self.value) else str(self.value)
        context.launch_configurations[perform(context, self.name)] = value


class SetEnvironmentVariable(Action):
    """Set an environment variable for the processes that follow."""

    def __init__(self, name: Texts, value: Texts, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.name, self.value = name, value

    def execute(self, context: LaunchContext) -> None:
        """Set it."""
        context.environment[perform(context, self.name)] = perform(context, self.value)


class LogInfo(Action):
    """Log a text."""

    def __init__(self, *, msg: Texts, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.msg = msg

    def execute(self, context: LaunchContext) -> None:
        """Log it."""
        assert context.service is not None
        context.service.log("INFO", "launch.user", perform(context, self.msg))


class GroupAction(Action):
    """Several actions with one condition; what they set is kept among themselves."""

    def __init__(
        self,
        actions: Iterable[Entity],
        *,
        scoped: bool = True,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.actions = list(actions)
        self.scoped = scoped

    def execute(self, context: LaunchContext) -> Iterable[Entity]:
        """Visit the actions, in a scope of their own unless scoped=False."""
        if not self.scoped:
            return self.actions
        assert context.service is not None
        with context.scope():
            for action in self.actions:
                context.service.visit(action)
        return ()

    def get_sub_entities(self) -> Iterable[Entity]:
        """Return the actions."""
        return self.actions


class Shutdown(Action):
    """End the launch; as `on_exit` of a process it makes the process a required one."""

    def __init__(
        self, *, reason: str = "reason not given", condition: Condition | None = None
    ) -> None:
        super().__init__(condition=condition)
        self.reason = reason

    def execute(self, context: LaunchContext) -> None:
        """End the launch."""
        assert context.service is not None
        context.service.shut_down(self.reason)


class RegisterEventHandler(Action):
    """Visit entities when something happens."""

    def __init__(self, event_handler: OnProcessExit, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.event_handler = event_handler

    def execute(self, context: LaunchContext) -> None:
        """Register the handler; the newest is asked first."""
        context.event_handlers.insert(0, self.event_handler.handle)

    def get_sub_entities(self) -> Iterable[Entity]:
        """Return the handler's actions."""
        return self.event_handler.entities


class OpaqueFunction(Action):
    """Call a function with the context; visit what it returns."""

    def __init__(
        self,
        *,
        function: Callable[..., Iterable[Entity] | None],
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.function = function

    def execute(self, context: LaunchContext) -> Iterable[Entity] | None:
        """Call it."""
        return self.function(context)
