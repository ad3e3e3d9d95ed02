"""The action that starts a process (`launch.actions.ExecuteProcess`)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from mentor_bringup.runner.conditions import Condition
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.entity import Action, Entity
from mentor_bringup.runner.event_handlers import OnProcessExit, Reaction, reactions
from mentor_bringup.runner.plan import ProcessPlan
from mentor_bringup.runner.refusal import LaunchRefused
from mentor_bringup.runner.substitutions import Texts, perform, truth

OUTPUTS = ("screen", "log", "both")


class ExecuteProcess(Action):
    """Start a process; of `output` 'log' only standard error is shown, of the others all."""

    def __init__(
        self,
        *,
        cmd: Iterable[Texts],
        name: Texts | None = None,
        cwd: Texts | None = None,
        env: Mapping[str, Texts] | None = None,
        additional_env: Mapping[str, Texts] | None = None,
        output: Texts = "log",
        emulate_tty: bool = False,
        on_exit: Reaction | None = None,
        respawn: bool | Texts = False,
        respawn_delay: float | None = None,
        sigterm_timeout: Texts | None = None,
        sigkill_timeout: Texts | None = None,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.cmd = list(cmd)
        self.name, self.cwd, self.env, self.additional_env = name, cwd, env, additional_env
        self.output, self.emulate_tty, self.on_exit = output, emulate_tty, on_exit
        self.respawn, self.respawn_delay = respawn, respawn_delay
        self.sigterm_timeout, self.sigkill_timeout = sigterm_timeout, sigkill_timeout

    def command(self, context: LaunchContext) -> list[str]:
        """Return the command line."""
        return [perform(context, part) for part in self.cmd]

    def label(self, command: list[str], context: LaunchContext) -> str:
        """Return what the process is called in the output."""
        return perform(context, self.name) if self.name else os.path.basename(command[0])

    def execute(self, context: LaunchContext) -> None:
        """Start the process."""
        assert context.service is not None
        command = self.command(context)
        output = perform(context, self.output)
        if output not in OUTPUTS:
            raise LaunchRefused(f"output '{output}' is not known; known: {', '.join(OUTPUTS)}")
        env = dict(context.environment)
        if self.env is not None:
            env = {name: perform(context, value) for name, value in self.env.items()}
        for name, value in (self.additional_env or {}).items():
            env[name] = perform(context, value)
        if self.on_exit is not None:
            handler = OnProcessExit(target_action=self, on_exit=self.on_exit)
            context.event_handlers.append(handler.handle)
        plan = ProcessPlan(
            command=command,
            label=self.label(command, context),
            env=env,
            cwd=perform(context, self.cwd) if self.cwd else None,
            quiet=output == "log",
            respawn_delay=(self.respawn_delay or 0.0) if self._respawns(context) else None,
            patience=(
                float(perform(context, self.sigterm_timeout)) if self.sigterm_timeout else None,
                float(perform(context, self.sigkill_timeout)) if self.sigkill_timeout else None,
            ),
        )
        context.service.start(self, plan)

    def _respawns(self, context: LaunchContext) -> bool:
        return self.respawn if isinstance(self.respawn, bool) else truth(context, self.respawn)

    def nested(self) -> Iterable[Entity]:
        """Return what happens when the process ends."""
        return reactions(self.on_exit)
