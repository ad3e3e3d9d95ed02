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
    comparisons,
    conditions,
    description,
    event_handlers,
    include,
    node,
    packages,
    parameters,
    process,
    ros_actions,
    substitutions,
)
from mentor_bringup.runner.refusal import unknown

_WAY_OUT = " (the rest needs a ROS 2 distribution: ros2 launch)"


def _names(*classes: type) -> dict[str, Any]:
    return {cls.__name__: cls for cls in classes}


_MODULES: dict[str, dict[str, Any]] = {
    "launch": _names(description.LaunchDescription),
    "launch.actions": _names(
        actions.DeclareLaunchArgument,
        actions.GroupAction,
        actions.LogInfo,
        actions.OpaqueFunction,
        actions.RegisterEventHandler,
        actions.SetEnvironmentVariable,
        actions.SetLaunchConfiguration,
        actions.Shutdown,
        include.IncludeLaunchDescription,
        process.ExecuteProcess,
    ),
    "launch.conditions": _names(conditions.IfCondition, conditions.UnlessCondition),
    "launch.event_handlers": _names(event_handlers.OnProcessExit),
    "launch.launch_description_sources": _names(include.PythonLaunchDescriptionSource),
    "launch.substitutions": _names(
        comparisons.AndSubstitution,
        comparisons.EqualsSubstitution,
        comparisons.IfElseSubstitution,
        comparisons.NotEqualsSubstitution,
        comparisons.NotSubstitution,
        comparisons.OrSubstitution,
        substitutions.EnvironmentVariable,
        substitutions.LaunchConfiguration,
        substitutions.PathJoinSubstitution,
        substitutions.TextSubstitution,
    ),
    "launch_ros": {},
    "launch_ros.actions": _names(
        node.Node, ros_actions.PushROSNamespace, ros_actions.SetParameter, ros_actions.SetRemap
    ),
    "launch_ros.parameter_descriptions": _names(parameters.ParameterValue),
    "launch_ros.substitutions": _names(packages.FindPackageShare),
}


def real_launch_is_installed() -> bool:
    """Return whether a real `launch` can be imported (a folder called launch is none)."""
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
