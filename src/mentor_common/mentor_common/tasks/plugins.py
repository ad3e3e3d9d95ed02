"""Finds plug-ins by entry points: a task's reward, reset routine and twin, and agents.

A package announces its plug-ins as entry points in its setup.cfg or setup.py, e.g.
``pour = pour_task.reward:PourReward`` in the group ``mentor.rewards``. The task file has the name
(``pour``) under ``reward.kind``, ``reset.routine`` or ``twin``. An agent is chosen by its name.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

REWARDS = "mentor.rewards"
"""Factories of a :class:`~mentor_common.tasks.reward_model.RewardModel`."""
ROUTINES = "mentor.routines"
"""Factories of a :class:`~mentor_common.tasks.reset_routine.ResetRoutine`."""
TWINS = "mentor.twins"
"""Factories of a simulated cell; mentor_sim_bridge.twins defines their protocol."""
AGENTS = "mentor.agents"
"""Agents; mentor_policy.config.AgentPlugin is what they name."""
_KEYS = {REWARDS: "reward.kind", ROUTINES: "reset.routine", TWINS: "twin", AGENTS: "agent"}


class PluginError(ValueError):
    """A plug-in that is not installed, is installed twice, or cannot be imported."""


def installed_plugins(group: str) -> dict[str, EntryPoint]:
    """Return the plug-ins of a group by name.

    Raises:
        PluginError: two packages announce one name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise PluginError(
                f"plug-in '{entry.name}' of group {group} is announced twice: {other.value} by "
                f"{_package(other)}, {entry.value} by {_package(entry)}; uninstall one of them"
            )
    return found


def load_plugin(group: str, name: str) -> Any:
    """Import the plug-in that a task file or a person names.

    Args:
        group: REWARDS, ROUTINES, TWINS or AGENTS.
        name: as the task file has it.

    Returns:
        What the entry point names: a factory; of AGENTS an AgentPlugin.

    Raises:
        PluginError: none of this name is installed, or it cannot be imported.
    """
    installed = installed_plugins(group)
    if name not in installed:
        key = _KEYS.get(group, "name")
        raise PluginError(
            f"{key} '{name}': no plug-in of this name in group {group}; installed: "
            f"{sorted(installed) or 'none'}; a package announces one in the entry points of "
            "its setup.cfg (then build and source the workspace)"
        )
    entry = installed[name]
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"plug-in '{name}' of group {group}, {entry.value} of {_package(entry)}, cannot be "
            f"imported: {error}"
        ) from error


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unknown package"
