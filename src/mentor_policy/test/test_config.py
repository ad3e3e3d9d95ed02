"""Configurations: Table 2's columns, overrides, and refusal by name."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_policy.config import (
    ConfigError,
    DrMConfig,
    MentorConfig,
    TacoConfig,
    agents,
    config_from_dict,
    config_to_dict,
    load_config,
    presets,
)
from mentor_policy.config.agent_plugins import OWN
from mentor_policy.config.load import preset_differences
from mentor_policy.config.preset_for import preset_for

LAUNCH = Path(__file__).parents[3] / "launch"
# Table 2: feature dimension, learning rate, alpha_max, end of the noise schedule
TABLE_2 = {
    "dmc": (50, 8e-5, 0.9, 2_000_000),
    "dog": (100, 8e-5, 0.6, 2_000_000),
    "metaworld": (50, 1e-4, 0.9, 3_000_000),
    "coffee_push_soccer": (50, 1e-4, 0.6, 3_000_000),
    "adroit": (50, 1e-4, 0.9, 3_000_000),
}


@pytest.mark.parametrize("preset", TABLE_2)
def test_presets_hold_table_2(preset: str) -> None:
    config = load_config("mentor", preset)
    a, t = config.agent, config.train
    assert isinstance(a, MentorConfig)
    columns = (a.feature_dim, a.learning_rate, a.perturb_alpha_max, a.stddev_steps)
    assert columns == TABLE_2[preset]
    assert (a.hidden_dim, a.experts, a.top_k, a.expert_dim) == (1024, 16, 4, 256)
    assert (a.soft_update_rate, a.load_balance_weight) == (0.01, 0.002)
    assert (a.perturb_alpha_min, a.perturb_rate, a.perturb_frames) == (0.2, 2.0, 200_000)
    assert (a.top_performers, a.dormant_threshold) == (10, 0.025)
    assert (a.explore_steps, a.stddev_start, a.stddev_end, a.stddev_clip) == (2000, 1.0, 0.1, 0.3)
    assert (a.awaken_temperature, a.exploit_max, a.exploit_temperature) == (0.1, 0.6, 0.02)
    assert a.expectile == 0.9
    assert (t.replay_capacity, t.action_repeat, t.seed_frames) == (1_000_000, 2, 4000)
    assert (t.n_step, t.batch_size, t.discount, t.update_every) == (3, 256, 0.99, 2)


def test_the_robots_preset_is_table_2_with_one_frame_a_step() -> None:
    robot = config_to_dict(load_config("mentor", "robot"))
    simulated = config_to_dict(load_config("mentor", "metaworld"))
    differing = {
        f"{section}.{key}"
        for section in ("agent", "train")
        for key, value in robot[section].items()
        if value != simulated[section][key]
    }
    how_long_and_how_often_seen = {
        "train.frames", "train.eval_every_frames", "train.checkpoint_every_frames",
    }  # fmt: skip
    assert differing == {"train.action_repeat", *how_long_and_how_often_seen}
    assert robot["train"]["action_repeat"] == 1


@pytest.mark.parametrize(
    ("environment", "preset"),
    [
        ("mentor/dmc-dog_walk-v0", "dog"),
        ("mentor/metaworld-soccer_sparse-v0", "coffee_push_soccer"),
        ("mentor/named", "cable_routing"),
        ("mentor/named-v0", "cable_routing"),
        ("mentor/named_classified-v0", "cable_routing"),
        ("mentor/named_longer-v0", "robot"),
        ("mentor/namedly-v0", "metaworld"),
        ("named-v0", "metaworld"),
    ],
)
def test_the_preset_is_that_of_the_suite_or_of_the_tasks_file(
    environment: str, preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (LAUNCH / "tasks" / "cable_routing.yaml").read_text()
    named = text.replace("name: cable_routing", "name: named", 1)
    (tmp_path / "named.yaml").write_text(named)
    longer = text.replace("name: cable_routing", "name: named_longer", 1)
    longer = longer.replace("preset: cable_routing", "preset: robot", 1)
    (tmp_path / "named_longer.yaml").write_text(longer)
    monkeypatch.setenv("MENTOR_TASK_PATH", str(tmp_path))
    assert preset_for(environment) == preset


def test_a_preset_names_the_published_batch_of_taco() -> None:
    config = load_config("taco", "taco")
    assert isinstance(config.agent, TacoConfig)
    assert (config.train.batch_size, config.train.n_step) == (1024, 3)
    assert (config.agent.learning_rate, config.agent.taco_learning_rate) == (1e-4, 1e-4)
    assert load_config("taco", "metaworld").train.batch_size == 256


def test_the_launch_files_offer_the_agents_that_there_are() -> None:
    """They import nothing of ours, so they have a list of their own; none is a cell without one."""
    file = "parts/agent.launch.py"
    tree = ast.parse((LAUNCH / file).read_text())
    lists = [
        node
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AugAssign)) and ast.unparse(node).startswith("AGENTS")
    ]
    names: dict[str, list[str]] = {}
    exec(compile(ast.Module(lists, []), file, "exec"), names)
    assert sorted(names["AGENTS"]) == sorted([*agents(), "none"])


def test_ablations_differ_in_their_part_only() -> None:
    full = config_to_dict(load_config("mentor"))["agent"]
    for name, parts in {
        "mentor_wo_tp": {"perturb": "random"},
        "mentor_wo_moe": {"actor": "mlp"},
        "mentor_wo_both": {"perturb": "random", "actor": "mlp"},
        "mentor_pretrained": {"encoder": "pretrained"},
    }.items():
        assert config_to_dict(load_config(name))["agent"] == {**full, **parts}


@pytest.mark.parametrize(
    ("agent", "preset"),
    [
        pytest.param(agent, preset, marks=[pytest.mark.soak] * ("mentor" != agent != "drqv2"))
        for agent in agents()
        for preset in presets()
        if preset != "robot"
    ]
    + [(agent, "robot") for agent in agents()],
)
def test_every_agent_goes_with_every_preset_and_survives_a_round_trip(
    agent: str, preset: str
) -> None:
    config = load_config(agent, preset)
    assert config_from_dict(config_to_dict(config)) == config


def test_no_preset_shifts_the_images_of_alix() -> None:
    assert load_config("drqv2", "peg_insertion").agent.shift_padding == 2
    assert load_config("alix", "peg_insertion").agent.shift_padding == 0
    overrides = ["agent.shift_padding=3"]
    assert load_config("alix", "peg_insertion", overrides).agent.shift_padding == 3


def test_overrides_win_over_presets() -> None:
    config = load_config("drm", "dog", ["agent.feature_dim=64", "train.seed=7"])
    assert isinstance(config.agent, DrMConfig)
    assert (config.agent.feature_dim, config.train.seed) == (64, 7)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("agent.top_k=17", "agent.top_k is 17; it must be from 1 to agent.experts, which is 16"),
        ("agent.top_k=0", "agent.top_k is 0"),
        ("agent.topk=2", "agent.topk is not a setting of this agent; known: .*agent.top_k"),
        ("agents.top_k=2", "agents is not a setting"),
        ("agent.top_k=two", "agent.top_k"),
        ("agent.top_k=2.5", "agent.top_k"),
        ("agent.learning_rate=nan", "agent.learning_rate is nan"),
        ("agent.learning_rate=-1", "agent.learning_rate is -1"),
        ("agent.perturb_alpha_min=0.95", "agent.perturb_alpha_min is 0.95; .*perturb_alpha_max"),
        ("agent.perturb=sometimes", "agent.perturb is 'sometimes'; allowed are none, random"),
        ("agent.precision=float8", "agent.precision is 'float8'; allowed are auto, float32"),
        ("agent.perturb_networks=[actor,brain]", "holds 'brain'; allowed are encoder"),
        ("agent.name=drm", "agent.name is 'drm', but the configuration is for mentor"),
        ("agent.pretrained.stages=[9]", "agent.pretrained.stages is"),
        ("agent.stddev_end=2", "agent.stddev_end is 2.0"),
        ("agent=5", "agent is 5"),
        ("train.batch_size=0", "train.batch_size is 0"),
        ("train.discount=1.5", "train.discount is 1.5"),
        ("train.replay_capacity=10", "train.replay_capacity is 10; .*train.batch_size"),
        ("train.batch_size=None", "train.batch_size"),
        ("nonsense", "override 'nonsense' is not of the form key=value"),
        ("=3", "not of the form"),
        ("agent.top_k=[1", "cannot be read"),
        ("agent.learning_rate=inf", "agent.learning_rate is inf; it must be from 0"),
        ("agent.saturation_weight=inf", "agent.saturation_weight is inf"),
        ("agent.hidden_dim=10000000000", "agent.hidden_dim is 10000000000; .* to 65536"),
        ("agent.hidden_dim=65536", "agent.hidden_dim, agent.experts .* GB of .*; this machine has"),
        ("agent.feature_dim=1000000000", "agent.feature_dim is"),
        ("agent.experts=100000000", "agent.experts is 100000000"),
        ("train.batch_size=100000000000", "train.batch_size is 100000000000"),
        ("train.replay_capacity=100000000000000", "train.replay_capacity is"),
        ("train.replay_capacity=10**15", "train.replay_capacity"),
        ("train.frames=1000000000000000000", "train.frames is 1000000000000000000; .* to 10000"),
        ("train.reward_scale=nan", "train.reward_scale is nan"),
        ("train.updates_per_step=inf", "train.updates_per_step is inf"),
        ("train.seed=-1", "train.seed is -1"),
        ("agent.top_k=" + "[" * 200_000, "agent.top_k=.*cannot be read: it is nested too"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config("mentor", "dmc", [override])


@pytest.mark.parametrize("place", ["agent", "train"])
def test_a_configuration_nested_too_deeply_is_refused(place: str) -> None:
    values: Any = config_to_dict(load_config("mentor"))
    deep: Any = []
    for _ in range(200_000):
        deep = [deep]
    values[place]["extra" if place == "agent" else "seed"] = deep
    with pytest.raises(ConfigError, match="nested too deeply"):
        config_from_dict(values)


def test_settings_of_another_agent_are_unknown() -> None:
    with pytest.raises(ConfigError, match=r"agent\.top_k is not a setting of this agent"):
        load_config("drqv2", "dmc", ["agent.top_k=2"])


def test_a_reference_to_the_environment_is_not_followed() -> None:
    values = config_to_dict(load_config("mentor"))
    values["preset"] = "${oc.env:HOME}"
    with pytest.raises(ConfigError, match="references to other values are not read"):
        config_from_dict(values)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"agent 'sac' is not known; known: alix, .*mentor"):
        load_config("sac")
    with pytest.raises(ConfigError, match="preset 'atari' is not known; known: adroit"):
        load_config("mentor", "atari")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(max_examples=12)
@given(_JSON, st.sampled_from(["agent", "train", "preset", "agent.top_k", "train.seed", ""]))
def test_whatever_a_file_holds_is_refused_with_a_config_error(value: object, place: str) -> None:
    values: object = config_to_dict(load_config("mentor"))
    assert isinstance(values, dict)
    if "." in place:
        section, key = place.split(".")
        values[section][key] = value
    elif place:
        values[place] = value
    else:
        values = value
    try:
        config = config_from_dict(values)  # type: ignore[arg-type]
    except ConfigError:
        return
    assert type(config.agent) in {plugin.config for plugin in OWN.values()}


def test_the_differences_of_two_presets_turn_one_into_the_other():
    differences = preset_differences("cable_routing", "robot")
    assert "train.discount" in differences and "agent.experts" not in differences
    overrides = [f"{key}={value}" for key, value in differences.items()]
    ours = config_to_dict(load_config("mentor", "cable_routing", overrides))
    theirs = config_to_dict(load_config("mentor", "robot"))
    assert {**ours, "preset": ""} == {**theirs, "preset": ""}


def test_a_preset_may_say_only_what_differs_from_another():
    assert set(preset_differences("peg_insertion", "cable_routing")) == {
        "train.frames", "train.eval_every_frames", "train.checkpoint_every_frames",
        "train.update_every", "train.discount",
        "agent.learning_rate", "agent.noise_correlation", "agent.stddev_steps",
        "agent.shift_padding", "agent.perturb_frames", "agent.evaluation_stddev",
        "agent.average_rate",
    }  # fmt: skip
