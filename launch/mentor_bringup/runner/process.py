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
        self.output, self.on_exit = output, on_exit
        self.respawn, self.respawn_delay = respawn, respawn_delay
        self.timeouts = sigterm_timeout, sigkill_timeout

    def command(self, context: LaunchContext) -> list[str]:
        """Return the command line."""
        return [perform(context, part) for part in self.cmd]

    def execute(self, context: LaunchContext) -> None:
        """Start the process, once the launch description has been visited."""
        assert context.service is not None
        command = self.command(context)
        output = perform(context, self.output)
        if output not in OUTPUTS:
            raise LaunchRefused(f"output '{output}' is not known; known: {', '.join(OUTPUTS)}")
        if self.on_exit is not None:
            handler = OnProcessExit(target_action=self, on_exit=self.on_exit)
            context.event_handlers.insert(0, handler.handle)
        to_term, to_kill = (float(perform(context, t)) if t else None for t in self.timeouts)
        plan = ProcessPlan(
            command=command,
            label=perform(context, self.name) if self.name else os.path.basename(command[0]),
            env=self._environment(context),
            cwd=perform(context, self.cwd) if self.cwd else None,
            quiet=output == "log",
            respawn_delay=(self.respawn_delay or 0.0) if self._respawns(context) else None,
            patience=(to_term, to_kill),
        )
        context.service.start(self, plan)

    def _environment(self, context: LaunchContext) -> dict[str, str]:
        env = dict(context.environment)
        if self.env is not None:
            env = {name: perform(context, value) for name, value in self.env.items()}
        more = (self.additional_env or {}).items()
        return env | {name: perform(context, value) for name, value in more}

    def _respawns(self, context: LaunchContext) -> bool:
        return self.respawn if isinstance(self.respawn, bool) else truth(context, self.respawn)

    def get_sub_entities(self) -> Iterable[Entity]:
        """Return what is visited when the process ends."""
        return reactions(self.on_exit)
