"""Launch files within launch files (`launch.launch_description_sources`)."""

from __future__ import annotations

import runpy
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mentor_bringup.runner.actions import SetLaunchConfiguration
from mentor_bringup.runner.conditions import Condition
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.description import LaunchDescription
from mentor_bringup.runner.entity import Action, Entity
from mentor_bringup.runner.keywords import KnownKeywords
from mentor_bringup.runner.refusal import LaunchRefused
from mentor_bringup.runner.substitutions import Texts, perform


def load_launch_file(path: str) -> LaunchDescription:
    """Read a Python launch file.

    Raises:
        LaunchRefused: if it is missing, is no launch file, or uses what the stand-in does not know.
    """
    if not Path(path).is_file():
        raise LaunchRefused(f"launch file {path} does not exist")
    try:
        names = runpy.run_path(path)
        if "generate_launch_description" not in names:
            raise LaunchRefused(f"{path} has no function generate_launch_description()")
        description = names["generate_launch_description"]()
    except LaunchRefused as refusal:
        raise _at(path, refusal) from None
    if not isinstance(description, LaunchDescription):
        raise LaunchRefused(
            f"{path}: generate_launch_description() returned a {type(description).__name__}, "
            "not a LaunchDescription"
        )
    return description


def _at(path: str, refusal: LaunchRefused) -> LaunchRefused:
    """Return the refusal with the line of the launch file in which it arose."""
    lines = [f.lineno for f in traceback.extract_tb(refusal.__traceback__) if f.filename == path]
    return type(refusal)(f"{path}, line {lines[-1]}: {refusal}") if lines else refusal


class PythonLaunchDescriptionSource(metaclass=KnownKeywords):
    """A Python launch file."""

    def __init__(self, launch_file_path: Texts) -> None:
        self.location = launch_file_path

    def path(self, context: LaunchContext) -> str:
        """Return the file's path."""
        return perform(context, self.location)


class IncludeLaunchDescription(Action):
    """Visit another launch file. What it and the arguments set holds afterwards too."""

    def __init__(
        self,
        launch_description_source: PythonLaunchDescriptionSource,
        *,
        launch_arguments: Iterable[tuple[Texts, Any]] | None = None,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.source = launch_description_source
        self.launch_arguments = tuple(launch_arguments or ())

    def execute(self, context: LaunchContext) -> Iterable[Entity]:
        """Set the arguments, then visit the file."""
        description = load_launch_file(self.source.path(context))
        # What the user gives is not asked for here: the real launch wants it from the include.
        given = [perform(context, name) for name, _ in self.launch_arguments]
        for argument in description.get_launch_arguments():
            if not argument.is_given_by(given):
                raise LaunchRefused(
                    f"Included launch description missing required argument '{argument.name}' "
                    f"(description: '{argument.description}'), given: [{', '.join(given)}]"
                )
        return [*(SetLaunchConfiguration(n, v) for n, v in self.launch_arguments), description]

    def get_sub_entities(self) -> Iterable[Entity]:
        """Return the file's entities, if its path is known already."""
        try:
            return [load_launch_file(self.source.path(LaunchContext()))]
        except LaunchRefused:
            return ()
