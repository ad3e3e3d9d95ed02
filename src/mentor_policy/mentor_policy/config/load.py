"""From an agent's name, a preset and overrides to a checked configuration."""

from __future__ import annotations

import copy
import dataclasses
import functools
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mentor_policy.config.agent import AgentConfig, AlixConfig
from mentor_policy.config.agent_plugins import VARIANTS, agent_plugin, refuse_unknown_agent
from mentor_policy.config.check import ConfigError, check
from mentor_policy.config.preset_files import preset_files, read_preset, refuse_unknown_preset
from mentor_policy.config.train import Config

OF_THE_METHOD: dict[type[AgentConfig], set[str]] = {AlixConfig: {"shift_padding"}}
"""Settings of an agent that no preset changes: ALIX is the agent without a random shift."""
_DEEPEST = 20  # levels of nesting that are read
_LONGEST_SHOWN = 200  # characters of an override in an error


def presets() -> list[str]:
    """Return the names that ``preset=`` takes: columns of Table 2, cells, and those of packages."""
    return list(preset_files())


def load_config(
    agent: str = "mentor", preset: str = "metaworld", overrides: Sequence[str] = ()
) -> Config:
    """Build the configuration of a run.

    Later ones win: the agent's defaults, the preset, the variant (an ablation), the overrides.

    Args:
        agent: one of :func:`~mentor_policy.config.agents`, such as ``mentor``.
        preset: one of :func:`presets`, such as ``dmc``. Settings of a preset that the
            agent does not have are left out.
        overrides: ``key=value`` each, such as ``agent.top_k=2`` or ``train.batch_size=64``.

    Raises:
        ConfigError: an unknown name, key, type or value; the message names what is allowed.
    """
    refuse_unknown_agent(agent)
    column = read_preset(preset)
    variant: dict[str, Any] = {}
    if (file := VARIANTS / f"{agent}.yaml").exists():
        variant = _read(file)
    name = str(variant.pop("base", agent))
    base = _base(name)
    known = set(_node(base, "agent")) - _of_the_method(agent_plugin(name).config)
    column["agent"] = {key: v for key, v in column.get("agent", {}).items() if key in known}
    try:
        config = _merge(base, column)
    except ConfigError as error:
        raise ConfigError(f"preset {preset!r}: {error}") from error
    config = _merge(config, {"preset": preset, "agent": variant})
    for override in overrides:
        config = _merge(config, _parse(override))
    result = _finish(config)
    refuse_unknown_preset(result.preset)
    return result


def preset_differences(preset: str, other: str, agent: str = "mentor") -> dict[str, Any]:
    """Return in which settings two presets differ.

    Args:
        preset: one of :func:`presets`.
        other: another one.
        agent: agent whose settings are compared.

    Returns:
        Each setting's key, such as ``train.discount``, and its value in ``other``.

    Raises:
        ConfigError: an unknown agent or preset.
    """
    ours, theirs = (config_to_dict(load_config(agent, name)) for name in (preset, other))
    return {
        f"{section}.{key}": value
        for section in ("train", "agent")
        for key, value in theirs[section].items()
        if ours[section][key] != value
    }


def config_from_dict(values: Mapping[str, Any]) -> Config:
    """Rebuild a configuration that :func:`config_to_dict` took apart (from a checkpoint, say).

    Its preset need not be installed here: it only names where the values came from.

    Raises:
        ConfigError: an unknown key, a wrong type or an impossible value.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"a configuration is a section with keys, not {values!r}")
    section = values.get("agent")
    name = section.get("name") if isinstance(section, Mapping) else None
    if not isinstance(name, str):
        raise ConfigError(f"agent.name is {name!r}, which names no agent")
    _refuse_depth(values)
    return _finish(_merge(_base(name), values))


def config_to_dict(config: Config) -> dict[str, Any]:
    """Return the configuration as plain JSON-able values, to be kept beside a checkpoint."""
    return dataclasses.asdict(config)


def _base(name: str) -> DictConfig:
    """Return an agent's defaults, to be changed: a copy takes a tenth of making them."""
    return copy.deepcopy(_defaults(name))


@functools.cache
def _defaults(name: str) -> DictConfig:
    config = OmegaConf.structured(Config)
    # Replaced as a typed node, so that keys of this agent, and only these, are accepted.
    try:
        config.agent = OmegaConf.structured(agent_plugin(name).config)
    except (OmegaConfBaseException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"agent {name!r}: its settings cannot be read: {reason}") from error
    return cast(DictConfig, config)


def _of_the_method(config: type[AgentConfig]) -> set[str]:
    """Return the settings of an agent that no preset changes."""
    return {key for kind, keys in OF_THE_METHOD.items() if issubclass(config, kind) for key in keys}


def _read(file: Path) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(file)) or {})


def override_list(text: str) -> list[str]:
    """Return overrides in one text as a list of ``key=value``; commas between them are taken.

    Raises:
        ConfigError: a quotation that does not end.
    """
    try:
        words = " ".join(shlex.split(text)).split()  # a shell may have left quotes in
    except ValueError as error:
        raise ConfigError(f"overrides {_shortened(text)} cannot be read: {error}") from error
    return [word.rstrip(",") for word in words if word.rstrip(",")]


def override_value(override: str) -> tuple[str, Any]:
    """Return the key of an override, and its value as YAML has it.

    Raises:
        ConfigError: it is not of the form ``key=value``, or no YAML.
    """
    key, value = _split(override)
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"override {_shortened(override)} cannot be read: {error}") from error


def _split(override: str) -> tuple[str, str]:
    """Return key and value of an override; refuse what a parser should not be given."""
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"override {_shortened(override)} is not of the form key=value")
    depth = deepest = 0
    for character in value:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:  # YAML's parser in C would overflow its stack
        raise ConfigError(
            f"override {_shortened(override)} cannot be read: it is nested too deeply"
        )
    return key, value


def _parse(override: str) -> DictConfig:
    _split(override)
    try:
        return OmegaConf.from_dotlist([override])
    except Exception as error:
        raise ConfigError(f"override {_shortened(override)} cannot be read: {error}") from error


def _shortened(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} ...")


def _refuse_depth(values: Mapping[str, Any]) -> None:
    """Refuse what a recursive reader would overflow its stack with."""
    level: list[Any] = [values]
    for _ in range(_DEEPEST):
        inner = [
            value
            for holder in level
            for value in (holder.values() if isinstance(holder, Mapping) else holder)
        ]
        level = [value for value in inner if isinstance(value, (Mapping, list, tuple))]
    if level:
        raise ConfigError(f"the configuration is nested too deeply, beyond {_DEEPEST} levels")


def _merge(config: DictConfig, values: Mapping[str, Any] | DictConfig) -> DictConfig:
    container = OmegaConf.to_container(values) if isinstance(values, DictConfig) else values
    plain = dict(cast(Mapping[str, Any], container))
    _refuse_unknown(config, plain, "")
    if isinstance(plain.get("agent"), Mapping):
        name = plain["agent"].get("name", config.agent.name)
        if name != config.agent.name:
            raise ConfigError(
                f"agent.name is {name!r}, but the configuration is for {config.agent.name}; "
                "choose the agent itself, not its name"
            )
    try:
        # In place: a deep copy for each override is most of what loading costs.
        return cast(DictConfig, OmegaConf.unsafe_merge(config, plain))
    except (OmegaConfBaseException, ValueError, TypeError) as error:
        reason = (str(getattr(error, "msg", None) or error).splitlines() or ["unreadable"])[0]
        key = getattr(error, "full_key", None) or "configuration"
        raise ConfigError(f"{key}: {reason}") from error


def _refuse_unknown(config: DictConfig, values: Mapping[str, Any], prefix: str) -> None:
    for key, value in values.items():
        if isinstance(value, str) and "${" in value:
            raise ConfigError(
                f"{prefix}{key} is {value!r}; references to other values are not read"
            )
        if not isinstance(key, str) or key not in config:
            known = ", ".join(prefix + str(name) for name in config)
            raise ConfigError(f"{prefix}{key} is not a setting of this agent; known: {known}")
        node = config[key]
        if isinstance(node, DictConfig):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{prefix}{key} is {value!r}; it must be a section with keys")
            _refuse_unknown(node, value, f"{prefix}{key}.")


def _node(config: DictConfig, key: str) -> DictConfig:
    return cast(DictConfig, config[key])


def _finish(config: DictConfig) -> Config:
    try:
        result = cast(Config, OmegaConf.to_object(config))
    except (OmegaConfBaseException, ValueError, TypeError) as error:
        raise ConfigError(f"configuration: {error}") from error
    check(result)
    return result
