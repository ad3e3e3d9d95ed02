"""Finds the weights that chose a recorded action, so that its mean can be computed again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mentor_common.bags.reader import Bag
from mentor_policy.agents import Agent, make_agent
from mentor_policy.agents.shape import shape_from_json
from mentor_policy.config import ConfigError, config_from_dict
from mentor_policy.training.checkpoint import Checkpoint, CheckpointError, read_checkpoint
from mentor_policy.training.checkpoint_folders import folders

RECORD = "mentor"
"""Name of the metadata record with the origin of a recording."""


class WeightsUnknown(LookupError):
    """No checkpoint has the weights that chose an action; the message names those there are."""


class ActedWeights:
    """The weights of a run, by the version that its actions name.

    A version is a number of gradient updates. That of 0 updates is made again from the run's seed;
    others come from the run's checkpoints.

    Args:
        run: folder of the run, or of one checkpoint.

    Raises:
        WeightsUnknown: the folder holds neither.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._agent: Agent | None = None
        self._loaded = -1
        self._checkpoints = self._find()
        self._config = self._read_config()
        if self._config is None and not self._checkpoints:
            raise WeightsUnknown(f"{run} holds neither a run nor a checkpoint")

    @property
    def versions(self) -> list[int]:
        """The versions that can be had."""
        known = set(self._checkpoints) | ({0} if self._config is not None else set())
        return sorted(known)

    def agent(self, version: int) -> Agent:
        """Return an agent that acts with the weights of a version.

        Raises:
            WeightsUnknown: they are in no checkpoint.
            CheckpointError: the checkpoint is damaged.
        """
        if self._agent is not None and version == self._loaded:
            return self._agent
        if version in self._checkpoints:
            self._load(self._checkpoints[version])
        elif version == 0 and self._config is not None:
            self._agent = self._fresh(self._config)
        else:
            raise WeightsUnknown(
                f"weights of {version} updates are in no checkpoint of {self._run}, which has "
                f"those of {', '.join(map(str, self.versions)) or 'none'}"
            )
        self._loaded = version
        assert self._agent is not None
        return self._agent

    def _load(self, checkpoint: Checkpoint) -> None:
        if self._agent is None:
            self._agent = checkpoint.agent()
            return
        tensors = checkpoint.tensors()
        wanted = self._agent.acting_state()
        self._agent.load_acting_state({name: tensors[name] for name in wanted})

    def _find(self) -> dict[int, Checkpoint]:
        found: dict[int, Checkpoint] = {}
        for folder in [*folders(self._run / "checkpoints"), self._run]:
            try:
                checkpoint = read_checkpoint(folder)
                found[int(checkpoint.values["updates"])] = checkpoint
            except (CheckpointError, KeyError):
                continue
        return found

    def _read_config(self) -> dict[str, Any] | None:
        for folder in (self._run, self._run.parent.parent):  # a checkpoint lies two floors below
            try:
                content: dict[str, Any] = json.loads((folder / "config.json").read_text())
            except (OSError, ValueError):
                continue
            return content
        return None

    def _fresh(self, content: dict[str, Any]) -> Agent:
        try:
            config, shape = config_from_dict(content["config"]), shape_from_json(content["shape"])
        except (ConfigError, KeyError, TypeError, ValueError) as error:
            raise WeightsUnknown(f"{self._run}/config.json: {error}") from error
        return make_agent(config, shape, config.train.seed)


def run_of(bag: Bag) -> Path | None:
    """Return the folder of the run, or the checkpoint, that acted when a bag was recorded."""
    parameters: dict[str, dict[str, Any]] = bag.record(RECORD, "parameters") or {}
    folder = Path(bag.record(RECORD, "folder") or ".")
    for values in parameters.values():
        if "run_dir" in values and "agent" in values:
            chosen = values.get("checkpoint") if values.get("mode") == "eval" else ""
            name = chosen or values["run_dir"]
            if name:
                return folder / str(name)
    return None


def threads_of(bag: Bag) -> int:
    """Return the number of threads that the policy computed with; 0: as many as there are cores."""
    parameters: dict[str, dict[str, Any]] = bag.record(RECORD, "parameters") or {}
    for values in parameters.values():
        if "run_dir" in values and "threads" in values:
            return int(values["threads"])
    return 0
