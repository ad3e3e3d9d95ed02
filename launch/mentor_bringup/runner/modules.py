"""The stand-in's `launch` and `launch_ros`, for this process only, never over a real one."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from mentor_bringup.runner import (
    actions,
    conditions,
    context,
    entity,
    event_handlers,
    include,
    node,
    packages,
    parameters,
    process,
    ros_actions,
    service,
    substitutions,
)
from mentor_bringup.runner.refusal import unknown

_WAY_OUT = " (the rest needs a ROS 2 distribution: ros2 launch)"

_MODULES: dict[str, dict[str, Any]] = {
    "launch": {
        "LaunchDescription": entity.LaunchDescription,
        "LaunchContext": context.LaunchContext,
        "LaunchService": service.LaunchService,
        "Action": entity.Action,
        "Condition": conditions.Condition,
        "Substitution": substitutions.Substitution,
    },
    "launch.actions": {
        cls.__name__: cls
        for cls in (
            actions.DeclareLaunchArgument,
            actions.EmitEvent,
            actions.GroupAction,
            actions.LogInfo,
            actions.OpaqueFunction,
            actions.RegisterEventHandler,
            actions.SetEnvironmentVariable,
            actions.SetLaunchConfiguration,
            actions.Shutdown,
            actions.TimerAction,
            actions.UnsetEnvironmentVariable,
            include.IncludeLaunchDescription,
            process.ExecuteProcess,
        )
    },
    "launch.conditions": {
        "IfCondition": conditions.IfCondition,
        "UnlessCondition": conditions.UnlessCondition,
    },
    "launch.event_handlers": {
        "OnProcessExit": event_handlers.OnProcessExit,
        "OnProcessStart": event_handlers.OnProcessStart,
        "OnShutdown": event_handlers.OnShutdown,
    },
    "launch.events": {"Shutdown": event_handlers.ShutdownEvent},
    "launch.launch_description_sources": {
        "PythonLaunchDescriptionSource": include.PythonLaunchDescriptionSource,
    },
    "launch.substitutions": {
        cls.__name__: cls
        for cls in (
            substitutions.AllSubstitution,
            substitutions.AndSubstitution,
            substitutions.AnySubstitution,
            substitutions.EnvironmentVariable,
            substitutions.EqualsSubstitution,
            substitutions.IfElseSubstitution,
            substitutions.LaunchConfiguration,
            substitutions.NotEqualsSubstitution,
            substitutions.NotSubstitution,
            substitutions.OrSubstitution,
            substitutions.PathJoinSubstitution,
            substitutions.PythonExpression,
            substitutions.TextSubstitution,
            substitutions.ThisLaunchFileDir,
        )
    },
    "launch_ros": {},
    "launch_ros.actions": {
        "Node": node.Node,
        "PushROSNamespace": ros_actions.PushROSNamespace,
        "PushRosNamespace": ros_actions.PushROSNamespace,
        "SetParameter": ros_actions.SetParameter,
        "SetRemap": ros_actions.SetRemap,
    },
    "launch_ros.parameter_descriptions": {
        "ParameterFile": parameters.ParameterFile,
        "ParameterValue": parameters.ParameterValue,
    },
    "launch_ros.substitutions": {
        "FindPackagePrefix": packages.FindPackagePrefix,
        "FindPackageShare": packages.FindPackageShare,
    },
}


def real_launch_is_installed() -> bool:
    """Say whether a real `launch` can be imported (a folder called launch is none)."""
    spec = importlib.util.find_spec("launch")
    return spec is not None and spec.origin is not None


def provide_stand_in() -> None:
    """Make `import launch` and `import launch_ros` find the stand-in, in this process.

    Raises:
        RuntimeError: if a real `launch` is installed.
    """
    if real_launch_is_installed():
        raise RuntimeError("a real launch is installed; the stand-in does not take its place")
    sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in ("launch", "launch_ros"):
            return None
        if fullname not in _MODULES:
            raise unknown(f"the stand-in has no module '{fullname}'", _MODULES, _WAY_OUT)
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandInModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(_MODULES[module.__name__])


class _StandInModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if f"{self.__name__}.{name}" in _MODULES:
            return importlib.import_module(f"{self.__name__}.{name}")
        known = _MODULES[self.__name__]
        raise unknown(f"the stand-in's {self.__name__} has no '{name}'", known, _WAY_OUT)
