"""The presets: those of this package, and those that packages of tasks bring."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from mentor_common.tasks.task import package_folders
from mentor_policy.config.agent_plugins import is_setting
from mentor_policy.config.check import ConfigError

OWN = Path(__file__).parent / "presets"
SECTIONS = ("train", "agent")


def preset_files() -> dict[str, list[Path]]:
    """Return the files of each preset by its name: more than one where packages contend for it.

    A package installs its presets to ``share/<package>/presets``. One that is in several workspaces
    counts in the one that was sourced last.
    """
    folders = {OWN.parent.parent.name: OWN}
    for folder in package_folders("presets"):
        folders.setdefault(folder.parent.name, folder)
    found: dict[str, list[Path]] = {}
    for folder in folders.values():
        for file in sorted(folder.glob("*.yaml")):
            found.setdefault(file.stem, []).append(file)
    return dict(sorted(found.items()))


def refuse_unknown_preset(name: str, base_of: str = "") -> None:
    """Raise ConfigError if there is no preset of that name, with all that there are.

    Args:
        name: of the preset.
        base_of: the preset that names it as its base, if one does.
    """
    files = preset_files()
    if name not in files:
        where = f"preset {base_of!r}: base" if base_of else "preset"
        raise ConfigError(
            f"{where} {name!r} is not known; known: {', '.join(files)}. A package brings its own "
            "in share/<package>/presets; build it and source its workspace"
        )


def read_preset(name: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a preset; one that names another as its `base` holds only what differs from it.

    Args:
        name: of the preset.
        above: names of the presets whose base it is, directly or by others.

    Returns:
        The sections ``train`` and ``agent``, each with settings and their values.

    Raises:
        ConfigError: it, or a base, is unknown, brought by two packages, or no preset.
    """
    refuse_unknown_preset(name, above[-1] if above else "")
    if name in above:
        raise ConfigError(f"preset {name!r} is its own base: {' -> '.join([*above, name])}")
    file, *others = preset_files()[name]
    if others:
        raise ConfigError(f"preset {name!r} is there twice: {file} and {others[0]}; rename one")
    column = _read(file)
    if "base" not in column:
        return column
    base = read_preset(str(column.pop("base")), (*above, name))
    return {
        section: {**base.get(section, {}), **column.get(section, {})}
        for section in {**base, **column}
    }


def _read(file: Path) -> dict[str, Any]:
    try:
        content = OmegaConf.to_container(OmegaConf.load(file)) or {}
    except Exception as error:  # OmegaConf and YAML have no common one
        raise ConfigError(f"preset {file} cannot be read: {error}") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"preset {file} holds no sections; allowed are base, train and agent")
    for section, values in content.items():
        if section not in ("base", *SECTIONS):
            raise ConfigError(f"preset {file}: {section!r} is not known; known: base, train, agent")
        if section in SECTIONS and not isinstance(values, Mapping):
            raise ConfigError(f"preset {file}: {section} is {values!r}; it must have settings")
    for key in content.get("agent", {}):
        if not is_setting(key):  # else it would be left out like one of another agent
            raise ConfigError(f"preset {file}: agent.{key} is not a setting of any agent")
    return cast(dict[str, Any], content)
