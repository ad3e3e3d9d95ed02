"""Actions that start no process themselves (`launch.actions`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mentor_bringup.runner.conditions import Condition
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.entity import Action, Entity
from mentor_bringup.runner.event_handlers import EventHandler, ShutdownEvent
from mentor_bringup.runner.refusal import LaunchRefused
from mentor_bringup.runner.substitutions import (
    Substitution,
    Texts,
    is_substitution,
    normalize,
    perform,
)


class DeclareLaunchArgument(Action):
    """An argument that the user may give as `name:=value`."""

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


class UnsetEnvironmentVariable(Action):
    """Remove an environment variable for the processes that follow."""

    def __init__(self, name: Texts, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.name = name

    def execute(self, context: LaunchContext) -> None:
        """Remove it."""
        context.environment.pop(perform(context, self.name), None)


class LogInfo(Action):
    """Say something."""

    def __init__(self, *, msg: Texts, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.msg = msg

    def execute(self, context: LaunchContext) -> None:
        """Say it."""
        assert context.service is not None
        context.service.say("INFO", "launch.user", perform(context, self.msg))


class GroupAction(Action):
    """Several actions with one condition, and what they set kept among themselves."""

    def __init__(
        self,
        actions: Iterable[Entity],
        *,
        scoped: bool = True,
        launch_configurations: dict[str, Texts] | None = None,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.actions = list(actions)
        self.scoped = scoped
        self.launch_configurations = launch_configurations or {}

    def execute(self, context: LaunchContext) -> None:
        """Visit the actions, in a scope of their own."""
        if self.scoped:
            with context.scope():
                self._visit(context)
        else:
            self._visit(context)

    def _visit(self, context: LaunchContext) -> None:
        assert context.service is not None
        for name, value in self.launch_configurations.items():
            context.launch_configurations[name] = perform(context, value)
        for action in self.actions:
            context.service.visit(action)

    def nested(self) -> Iterable[Entity]:
        """Return the actions."""
        return self.actions


class EmitEvent(Action):
    """Emit an event; the stand-in knows `launch.events.Shutdown`."""

    def __init__(self, *, event: ShutdownEvent, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        if not isinstance(event, ShutdownEvent):
            raise LaunchRefused(f"EmitEvent(): event {event!r} is not known; known: Shutdown")
        self.event = event

    def execute(self, context: LaunchContext) -> None:
        """End the launch."""
        assert context.service is not None
        context.service.shut_down(self.event.reason)


class Shutdown(EmitEvent):
    """End the launch; as `on_exit` of a process it makes the process a required one."""

    def __init__(
        self, *, reason: str = "reason not given", condition: Condition | None = None
    ) -> None:
        super().__init__(event=ShutdownEvent(reason=reason), condition=condition)


class RegisterEventHandler(Action):
    """Do something when something happens."""

    def __init__(self, event_handler: EventHandler, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.event_handler = event_handler

    def execute(self, context: LaunchContext) -> None:
        """Register the handler."""
        context.event_handlers.append(self.event_handler.handle)

    def nested(self) -> Iterable[Entity]:
        """Return the handler's actions."""
        return self.event_handler.entities


class TimerAction(Action):
    """Do something after a while, in seconds of wall time."""

    def __init__(
        self,
        *,
        period: float | Texts,
        actions: Iterable[Entity],
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.period, self.actions = period, list(actions)

    def execute(self, context: LaunchContext) -> None:
        """Start the timer."""
        assert context.service is not None
        period = self.period
        if not isinstance(period, int | float):
            period = float(perform(context, period))
        context.service.call_later(period, self.actions)

    def nested(self) -> Iterable[Entity]:
        """Return the actions."""
        return self.actions


class OpaqueFunction(Action):
    """Call a function with the context; visit what it returns."""

    def __init__(
        self,
        *,
        function: Callable[..., Iterable[Entity] | None],
        args: Iterable[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.function, self.args, self.kwargs = function, tuple(args or ()), dict(kwargs or {})

    def execute(self, context: LaunchContext) -> Iterable[Entity] | None:
        """Call it."""
        return self.function(context, *self.args, **self.kwargs)
