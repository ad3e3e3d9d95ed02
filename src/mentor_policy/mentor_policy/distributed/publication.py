"""The learner's side of ``policy_weights``: versions that count up, whatever happens to it."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from mentor_common.files.json_file import read_json, write_json
from mentor_policy.agents.base import Agent
from mentor_policy.distributed.weights import Weights, WeightsError, pack


class Publication:
    """Numbers the weights of a run.

    The number is on the disk before the weights leave, so that a learner which was killed and goes
    on from an older checkpoint is not taken for an older learner.

    Args:
        folder: folder of the run.
        config: the ``agent`` section.

    Raises:
        WeightsError: the folder's note of the last version is damaged.
    """

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self._file = folder / "published.json"
        self._config = config
        self.run_id = f"{folder.name}-{uuid.uuid4().hex[:8]}"
        self.version = 0
        if self._file.exists():
            try:
                noted = read_json(self._file)
                self.run_id, self.version = str(noted["run_id"]), int(noted["version"])
            except (ValueError, KeyError, TypeError) as error:
                raise WeightsError(
                    f"{self._file} is damaged ({error}); delete it, and restart the actors, which "
                    "then follow the run under a new name"
                ) from error

    def next(self, agent: Agent, *, update: int, steps: int) -> Weights:
        """Return the agent's acting weights under the next version.

        Raises:
            OSError: the version could not be noted; it was not taken.
        """
        write_json(self._file, {"run_id": self.run_id, "version": self.version + 1})
        self.version += 1
        return pack(
            agent,
            self._config,
            run_id=self.run_id,
            version=self.version,
            update=update,
            steps=steps,
        )
