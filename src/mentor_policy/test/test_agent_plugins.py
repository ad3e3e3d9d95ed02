"""Agents of other packages: found by entry points, configured and made like those of this one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from small_agents import ACTION_SIZE, LAYOUT, SMALL, small_batch

from mentor_common.tasks import plugins
from mentor_common.tasks.plugins import AGENTS
from mentor_policy.agents import make_agent
from mentor_policy.agents.drqv2 import DrQv2Agent
from mentor_policy.agents.shape import Shape
from mentor_policy.config import (
    AgentPlugin,
    AlixConfig,
    Config,
    ConfigError,
    DrQv2Config,
    agent_plugins,
    agents,
    config_from_dict,
    config_to_dict,
    load,
    load_config,
)


class EagerAgent(DrQv2Agent):
    """The agent of a plug-in."""


@dataclass
class EagerConfig(DrQv2Config):
    """Settings of a plug-in."""

    name: str = "eager"
    eagerness: float = 0.5

    def __post_init__(self) -> None:
        if self.eagerness < 0.0:
            raise ValueError(f"agent.eagerness is {self.eagerness}; it must be at least 0")


@dataclass
class MixingConfig(AlixConfig):
    """Settings of a plug-in that extends ALIX."""

    name: str = "mixing"


@dataclass
class OddConfig(DrQv2Config):
    """Settings of a type that no file can hold."""

    name: str = "odd"
    anything: set[int] = field(default_factory=set)


class Bare(DrQv2Config):
    """A settings class whose author forgot to make it a dataclass."""

    name: str = "bare"


EAGER = AgentPlugin(EagerConfig, f"{__name__}:EagerAgent")
MIXING = AgentPlugin(MixingConfig, "mentor_policy.agents.alix:AlixAgent")
ODD = AgentPlugin(OddConfig, f"{__name__}:EagerAgent")
BARE = AgentPlugin(Bare, f"{__name__}:EagerAgent")
NO_SETTINGS = AgentPlugin(EagerAgent, f"{__name__}:EagerAgent")  # type: ignore[arg-type]
UNIMPORTABLE = AgentPlugin(EagerConfig, f"{__name__}:LazyAgent")
NO_AGENT = AgentPlugin(EagerConfig, f"{__name__}:EagerConfig")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Announce names of this module as plug-ins, e.g. ``install(eager="EAGER")``."""

    def announce(**named: str) -> None:
        entries = [EntryPoint(name, f"{__name__}:{it}", AGENTS) for name, it in named.items()]
        monkeypatch.setattr(plugins, "entry_points", lambda group: entries)
        forget()

    def forget() -> None:
        agent_plugins._installed.cache_clear()
        load._defaults.cache_clear()

    yield announce
    forget()


def test_a_plug_in_is_configured_like_an_agent_of_ours(install: Any) -> None:
    install(eager="EAGER")
    assert {"eager", "mentor", "mentor_wo_moe"} <= set(agents())
    config = load_config("eager", "dmc", ["agent.eagerness=0.25"])
    assert isinstance(config.agent, EagerConfig)
    assert (config.agent.eagerness, config.agent.learning_rate) == (0.25, 8e-5)  # of the preset
    assert config_from_dict(config_to_dict(config)) == config
    with pytest.raises(ConfigError, match=r"agent.eagerness is -1.0; it must be at least 0"):
        load_config("eager", "dmc", ["agent.eagerness=-1"])
    with pytest.raises(ConfigError, match=r"agent.top_k is not a setting .*agent.eagerness"):
        load_config("eager", "dmc", ["agent.top_k=2"])
    with pytest.raises(ConfigError, match=r"agent.feature_dim is 0"):  # the base's own checks
        load_config("eager", "dmc", ["agent.feature_dim=0"])


def test_the_agent_that_is_made_is_of_the_plug_ins_class_and_learns(install: Any) -> None:
    install(eager="EAGER")
    agent = make_agent(load_config("eager", "dmc", SMALL), Shape(LAYOUT, 0, ACTION_SIZE), 0)
    assert type(agent) is EagerAgent
    assert agent.update(small_batch(), step=20)["critic/loss"] > 0


def test_a_preset_may_have_settings_of_a_plug_in(
    install: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "share" / "eager_agent" / "presets"
    folder.mkdir(parents=True)
    (folder / "calm.yaml").write_text("base: robot\nagent: {eagerness: 0.125}\n")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    install(eager="EAGER")
    config = load_config("eager", "calm")
    assert isinstance(config.agent, EagerConfig) and config.agent.eagerness == 0.125
    assert load_config("drqv2", "calm").agent.name == "drqv2"  # it leaves such a setting out
    install()
    with pytest.raises(ConfigError, match=r"agent.eagerness is not a setting of any agent"):
        load_config("drqv2", "calm")


def test_what_no_preset_changes_in_an_agent_it_does_not_change_in_its_plug_in(install: Any) -> None:
    install(mixing="MIXING")
    config: Config = load_config("mixing", "peg_insertion")
    assert isinstance(config.agent, MixingConfig) and config.agent.shift_padding == 0


def test_an_unknown_agent_is_refused_with_those_that_are_known(install: Any) -> None:
    install(eager="EAGER")
    with pytest.raises(ConfigError, match=r"'eagre' is not known; known: alix, .*eager, mentor.*"):
        load_config("eagre")
    kept = config_to_dict(load_config("eager"))
    install()
    with pytest.raises(ConfigError, match=r"agent.name is 'eager'; known: .*install its package"):
        config_from_dict(kept)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("drm", "EAGER", "agent 'drm' is one of mentor_policy, but the plug-in .*EAGER has its n"),
        ("mentor_wo_tp", "EAGER", "agent 'mentor_wo_tp' is one of mentor_policy, but"),
        ("gone", "GONE", "plug-in 'gone' of group mentor.agents.*cannot be imported"),
        ("eager", "SMALL", r"'eager', [\w.]+:SMALL is \(.*, not a mentor_policy.config.AgentP"),
        ("keen", "EAGER", "name of its dataclass EagerConfig is 'eager', but must be 'keen'"),
        ("bare", "BARE", "name of its dataclass Bare is 'drqv2', but must be 'bare'"),
        ("eager", "NO_SETTINGS", "EagerAgent'> is not derived from mentor_policy's AgentConfig"),
        ("odd", "ODD", "agent 'odd': its settings cannot be read: "),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_refused_by_name(
    install: Any, name: str, value: str, reason: str
) -> None:
    install(**{name: value})
    with pytest.raises(ConfigError, match=reason):
        load_config(name)
    if name != "drm":
        assert load_config("drm").agent.name == "drm"  # the others are as they were


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("UNIMPORTABLE", r"agent 'eager': [\w.]+:LazyAgent cannot be imported: .*LazyAgent"),
        ("NO_AGENT", r"'eager': [\w.]+:EagerConfig is not derived from mentor_policy.agents.A"),
    ],
)
def test_a_class_that_is_no_agent_is_refused_when_it_is_made(
    install: Any, value: str, reason: str
) -> None:
    install(eager=value)
    with pytest.raises(ConfigError, match=reason):
        make_agent(load_config("eager", "dmc", SMALL), Shape(LAYOUT, 0, ACTION_SIZE), 0)


def test_a_name_that_two_packages_announce_is_refused(
    install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(eager="EAGER")
    twice = [EntryPoint("eager", f"{__name__}:{it}", AGENTS) for it in ("EAGER", "MIXING")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: twice)
    with pytest.raises(ConfigError, match=r"'eager' of group mentor.agents is announced twice"):
        load_config("eager")
