"""The action that starts a node (`launch_ros.actions.Node`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from mentor_bringup.runner.conditions import Condition
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.event_handlers import Reaction
from mentor_bringup.runner.packages import executable_path
from mentor_bringup.runner.parameters import evaluate_values, parameter_file
from mentor_bringup.runner.process import ExecuteProcess
from mentor_bringup.runner.refusal import LaunchRefused
from mentor_bringup.runner.ros_actions import join_namespaces
from mentor_bringup.runner.substitutions import Texts, perform


class Node(ExecuteProcess):
    """A node of a package, in a process of its own."""

    def __init__(
        self,
        *,
        executable: Texts,
        package: Texts | None = None,
        name: Texts | None = None,
        namespace: Texts | None = None,
        exec_name: Texts | None = None,
        parameters: list[Any] | None = None,
        remappings: Iterable[tuple[Texts, Texts]] | None = None,
        ros_arguments: Iterable[Texts] | None = None,
        arguments: Iterable[Texts] | None = None,
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
        super().__init__(
            cmd=[],
            name=exec_name,
            cwd=cwd,
            env=env,
            additional_env=additional_env,
            output=output,
            emulate_tty=emulate_tty,
            on_exit=on_exit,
            respawn=respawn,
            respawn_delay=respawn_delay,
            sigterm_timeout=sigterm_timeout,
            sigkill_timeout=sigkill_timeout,
            condition=condition,
        )
        if parameters is not None and not isinstance(parameters, list):
            raise LaunchRefused("Node(): parameters is a list of dictionaries and files")
        self.package, self.executable = package, executable
        self.node_name, self.namespace = name, namespace
        self.parameters = list(parameters or ())
        self.remappings = list(remappings or ())
        self.ros_arguments, self.arguments = list(ros_arguments or ()), list(arguments or ())

    def command(self, context: LaunchContext) -> list[str]:
        """Return the command line, with the node's name, namespace, parameters and remappings."""
        executable = perform(context, self.executable)
        if self.package is not None:
            executable = str(executable_path(perform(context, self.package), executable))
        command = [executable, *(perform(context, item) for item in self.arguments)]
        if self.ros_arguments:
            command += ["--ros-args", *(perform(context, item) for item in self.ros_arguments)]
        command += ["--ros-args"]
        name = perform(context, self.node_name) if self.node_name is not None else None
        if name is not None:
            command += ["-r", f"__node:={name}"]
        own = perform(context, self.namespace) if self.namespace is not None else ""
        namespace = join_namespaces(context.launch_configurations.get("ros_namespace", ""), own)
        if namespace:
            command += ["-r", f"__ns:={namespace}"]
        for parameter, value in context.launch_configurations.get("global_params", ()):
            command += ["-p", f"{parameter}:={value}"]
        for item in self.parameters:
            if isinstance(item, Mapping):
                whose = f"{namespace.rstrip('/')}/{name}" if name else "/**"
                path = self._write(context, whose, evaluate_values(context, item))
            else:
                path = parameter_file(context, item)
            command += ["--params-file", path]
        remappings = [*context.launch_configurations.get("ros_remaps", ()), *self.remappings]
        for source, target in remappings:
            command += ["-r", f"{perform(context, source)}:={perform(context, target)}"]
        return command

    @staticmethod
    def _write(context: LaunchContext, node: str, values: dict[str, Any]) -> str:
        assert context.service is not None
        path: Path = context.service.new_file(suffix=".yaml")
        path.write_text(yaml.safe_dump({node: {"ros__parameters": values}}))
        return str(path)
