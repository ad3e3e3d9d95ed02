"""Presets that packages of tasks bring: found beside those of this package, or refused by name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mentor_policy.config import (
    ConfigError,
    config_from_dict,
    config_to_dict,
    load_config,
    presets,
)

Bring = Callable[[str, str, str], Path]


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bring:
    """Install a preset of a package in a workspace of its own, which is then sourced last."""

    def install(package: str, name: str, text: str) -> Path:
        prefix = tmp_path / str(len(list(tmp_path.iterdir())))
        file = prefix / "share" / package / "presets" / f"{name}.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
        known = os.environ.get("AMENT_PREFIX_PATH", "")
        monkeypatch.setenv("AMENT_PREFIX_PATH", os.pathsep.join([str(prefix), known]))
        return file

    return install


def test_a_packages_preset_is_known_and_says_only_what_differs_from_its_base(bring: Bring) -> None:
    with pytest.raises(ConfigError, match=r"'pour' is not known; known: .*share/<package>/presets"):
        load_config("mentor", "pour")
    bring("pour_task", "pour", "base: cable_routing\ntrain: {discount: 0.5}\nagent: {experts: 8}\n")
    assert "pour" in presets() and "robot" in presets()
    ours = config_to_dict(load_config("mentor", "pour"))
    overrides = ["train.discount=0.5", "agent.experts=8"]
    theirs = config_to_dict(load_config("mentor", "cable_routing", overrides))
    assert ours == {**theirs, "preset": "pour"}
    with pytest.raises(ConfigError, match=r"'atari' is not known; known: adroit, .*pour.*robot"):
        load_config("mentor", "atari")


def test_a_package_that_was_built_again_elsewhere_brings_the_newer_preset(bring: Bring) -> None:
    bring("pour_task", "pour", "train: {discount: 0.5}\n")
    bring("pour_task", "pour", "train: {discount: 0.6}\n")
    assert load_config("mentor", "pour").train.discount == 0.6


def test_a_name_that_two_packages_have_is_refused_where_it_is_used_alone(bring: Bring) -> None:
    file = bring("pour_task", "robot", "train: {discount: 0.5}\n")
    with pytest.raises(ConfigError, match=rf"'robot' is there twice: .* and {file}; rename one"):
        load_config("mentor", "robot")
    assert load_config("mentor", "dmc").preset == "dmc"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("base: atari\n", "preset 'pour': base 'atari' is not known; known: adroit"),
        ("base: pour\n", "preset 'pour' is its own base: pour -> pour"),
        ("trian: {discount: 0.5}\n", "pour.yaml: 'trian' is not known; known: base, train, agent"),
        ("train: 3\n", "pour.yaml: train is 3; it must have settings"),
        ("train: {discuont: 0.5}\n", "preset 'pour': train.discuont is not a setting"),
        ("agent: {expert: 8}\n", "pour.yaml: agent.expert is not a setting of any agent"),
        ("train: {discount: often}\n", "preset 'pour': train.discount: "),
        ("- 3\n", "pour.yaml holds no sections; allowed are base, train and agent"),
        ("train: {\n", "pour.yaml cannot be read: "),
    ],
)
def test_what_is_no_preset_is_refused_by_name(bring: Bring, text: str, reason: str) -> None:
    bring("pour_task", "pour", text)
    with pytest.raises(ConfigError, match=re.escape(reason)):
        load_config("mentor", "pour")


def test_a_run_of_a_packages_preset_is_read_where_the_package_is_not(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring("pour_task", "pour", "train: {discount: 0.5}\n")
    kept = config_to_dict(load_config("mentor", "pour"))
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    assert "pour" not in presets()
    assert config_to_dict(config_from_dict(kept)) == kept
    with pytest.raises(ConfigError, match="'pour' is not known"):
        load_config("mentor", "robot", ["preset=pour"])
