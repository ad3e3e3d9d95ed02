"""Which agents there are: those of this package, their variants, and plug-ins of other packages.

A package announces an agent as an entry point of the group ``mentor.agents``, e.g.
``calm = calm_agent.plugin:CALM``. It names an :class:`AgentPlugin`; ``agent=`` takes its name.
"""

from __future__ import annotations

import dataclasses
import functools
from importlib.metadata import EntryPoint
from pathlib import Path

from mentor_common.tasks.plugins import AGENTS, PluginError, installed_plugins, load_plugin
from mentor_policy.config.agent import (
    AgentConfig,
    AlixConfig,
    DrMConfig,
    DrQv2Config,
    MentorConfig,
    RandomConfig,
    TacoConfig,
)
from mentor_policy.config.check import ConfigError

VARIANTS = Path(__file__).parent / "agents"
"""A YAML file for each variant: the agent that is its ``base``, and the settings that differ."""


@dataclasses.dataclass(frozen=True)
class AgentPlugin:
    """What an entry point of ``mentor.agents`` names.

    Attributes:
        config: the agent's settings, a dataclass derived from AgentConfig or from that of the agent
            that it extends. Its ``name`` is that of the entry point. To refuse a value that its
            type allows, it raises ValueError in ``__post_init__``.
        agent: ``module:Class`` of the :class:`~mentor_policy.agents.Agent`. It is imported when an
            agent is made, so that settings are checked without torch. It is called with the
            configuration (Config), the shape (Shape), the seed (int) and the device (torch.device).
    """

    config: type[AgentConfig]
    agent: str


OWN = {
    "random": AgentPlugin(RandomConfig, "mentor_policy.agents.random_agent:RandomAgent"),
    "drqv2": AgentPlugin(DrQv2Config, "mentor_policy.agents.drqv2:DrQv2Agent"),
    "drm": AgentPlugin(DrMConfig, "mentor_policy.agents.drm:DrMAgent"),
    "mentor": AgentPlugin(MentorConfig, "mentor_policy.agents.mentor:MentorAgent"),
    "alix": AgentPlugin(AlixConfig, "mentor_policy.agents.alix:AlixAgent"),
    "taco": AgentPlugin(TacoConfig, "mentor_policy.agents.taco:TacoAgent"),
}
"""The agents of this package."""


def own_agents() -> list[str]:
    """Return the names of this package's agents and of their variants."""
    return sorted({*OWN, *(file.stem for file in VARIANTS.glob("*.yaml"))})


def agents() -> list[str]:
    """Return the names that ``agent=`` takes: agents, variants, and plug-ins.

    Raises:
        ConfigError: two packages announce one name.
    """
    return sorted({*own_agents(), *_installed()})


def refuse_unknown_agent(name: str) -> None:
    """Raise ConfigError if there is no agent of that name, or more than one."""
    if name not in agents():
        raise ConfigError(
            f"agent {name!r} is not known; known: {', '.join(agents())}. A package announces its "
            f"own in the group {AGENTS} of its entry points; build it and source its workspace"
        )
    if name in _installed() and name in own_agents():
        raise ConfigError(
            f"agent {name!r} is one of mentor_policy, but the plug-in {_installed()[name].value} "
            f"has its name too; rename that in the group {AGENTS} of its package's entry points"
        )


def agent_plugin(name: str) -> AgentPlugin:
    """Return the settings class and the agent class of an agent.

    Args:
        name: one of :func:`agents` that is no variant.

    Raises:
        ConfigError: there is none of this name, or its plug-in cannot be used.
    """
    if name in OWN:
        return OWN[name]
    if name not in _installed():
        raise ConfigError(
            f"agent.name is {name!r}; known: {', '.join(sorted({*OWN, *_installed()}))}. If it is "
            "that of a plug-in, install its package"
        )
    try:
        plugin = load_plugin(AGENTS, name)
    except PluginError as error:
        raise ConfigError(str(error)) from error
    where = f"agent {name!r}, {_installed()[name].value}"
    if not isinstance(plugin, AgentPlugin):
        raise ConfigError(f"{where} is {plugin!r}, not a mentor_policy.config.AgentPlugin")
    config = plugin.config
    if not (isinstance(config, type) and issubclass(config, AgentConfig)):
        raise ConfigError(f"{where}: {config!r} is not derived from mentor_policy's AgentConfig")
    named = next(field.default for field in dataclasses.fields(config) if field.name == "name")
    if named != name:
        raise ConfigError(
            f"{where}: name of its dataclass {config.__name__} is {named!r}, but must be {name!r}"
        )
    return plugin


def is_setting(key: str) -> bool:
    """Return whether any agent has a setting of that name, such as ``top_k``.

    Raises:
        ConfigError: none of this package has, and a plug-in cannot be used.
    """
    return any(
        key in (field.name for field in dataclasses.fields(agent_plugin(name).config))
        for name in (*OWN, *(name for name in _installed() if name not in OWN))
    )


@functools.cache
def _installed() -> dict[str, EntryPoint]:
    """Return the plug-ins by name. Finding them takes a moment, and they do not change."""
    try:
        return installed_plugins(AGENTS)
    except PluginError as error:
        raise ConfigError(str(error)) from error
