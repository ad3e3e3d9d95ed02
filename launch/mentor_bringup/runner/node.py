"""The action that starts a node (`launch_ros.actions.Node`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.packages import executable_path
from mentor_bringup.runner.parameters import check_parameter_file, evaluate_values
from mentor_bringup.runner.process import ExecuteProcess
from mentor_bringup.runner.refusal import LaunchRefused
from mentor_bringup.runner.ros_actions import join_namespaces
from mentor_bringup.runner.substitutions import Texts, perform


class Node(ExecuteProcess):
    """A node of a package, in a process of its own; further keywords are ExecuteProcess's."""

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
        **process: Any,
    ) -> None:
        super().__init__(cmd=[], name=exec_name, **process)
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
        whose = f"{namespace.rstrip('/')}/{name}" if name else "/**"
        for item in self.parameters:
            command += ["--params-file", self._parameter_file(context, whose, item)]
        remappings = [*context.launch_configurations.get("ros_remaps", ()), *self.remappings]
        for source, target in remappings:
            command += ["-r", f"{perform(context, source)}:={perform(context, target)}"]
        return command

    @staticmethod
    def _parameter_file(context: LaunchContext, node: str, item: Any) -> str:
        """Return the path of a parameter file; write one if `item` holds values."""
        assert context.service is not None
        if not isinstance(item, Mapping):
            path = perform(context, item)
            check_parameter_file(path)
            return path
        written: Path = context.service.new_file(suffix=".yaml")
        values = evaluate_values(context, item)
        written.write_text(yaml.safe_dump({node: {"ros__parameters": values}}))
        return str(written)
