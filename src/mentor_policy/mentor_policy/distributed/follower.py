"""An actor's side of ``policy_weights``: checked apart from acting, the newest waits."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from mentor_policy.agents.base import Agent
from mentor_policy.distributed.weights import Unpacked, Weights, WeightsError, keep, kept, unpack


class WeightsFollower:
    """Follows the weights of one run.

    Checking and keeping 40 MB takes tenths of a second, so it happens in the caller's thread of
    :meth:`offer`; the acting thread takes the result at a step's boundary with :meth:`take`.

    Args:
        agent: whose networks the weights must fit; it is not touched here.
        config: the ``agent`` section that the actor runs.
        folder: where the last weights are kept, for the next start; None keeps none.
    """

    def __init__(self, agent: Agent, config: dict[str, Any], folder: Path | None) -> None:
        self._own = agent.acting_state()
        self._config = config
        self._folder = folder
        self._lock = threading.Lock()
        self._ready: tuple[Weights, Unpacked] | None = None
        self._run_id = ""
        self._heard_run = False
        self.version = 0
        """Version of the newest checked weights; 0 before the first."""
        self.update = 0
        """Gradient updates behind them."""
        self.came: float | None = None
        """time.monotonic() of the newest checked weights that came over the topic."""
        self.refused = 0
        """How many were refused."""

    def restore(self) -> str:
        """Take the weights that were kept last.

        Returns:
            What they are, as text; empty if there are none.

        Raises:
            WeightsError: they are damaged or of another agent.
        """
        weights = None if self._folder is None else kept(self._folder)
        if weights is None:
            return ""
        self._take_note(weights, unpack(weights, self._config, self._own))
        return str(weights)

    def offer(self, weights: Weights) -> str:
        """Check weights that came over the topic, and keep them.

        Returns:
            What there is to say about them; empty if nothing.

        Raises:
            WeightsError: they are refused; those in use stay.
        """
        try:
            say = self._check_order(weights)
            unpacked = unpack(weights, self._config, self._own)
        except WeightsError:
            self.refused += 1
            raise
        self._heard_run = True
        self.came = time.monotonic()
        self._take_note(weights, unpacked)
        if self._folder is not None:
            try:
                keep(weights, self._folder)
            except OSError as error:
                return (
                    f"{weights} are in use but cannot be kept for the next start: {error}. "
                    "Free space, or give a run_dir that can be written"
                )
        return say

    def take(self) -> tuple[Weights, Unpacked] | None:
        """The newest checked weights, once; None if there are no newer ones."""
        with self._lock:
            ready, self._ready = self._ready, None
        return ready

    def _take_note(self, weights: Weights, unpacked: Unpacked) -> None:
        with self._lock:
            self._ready = (weights, unpacked)
        self._run_id, self.version, self.update = weights.run_id, weights.version, weights.update

    def _check_order(self, weights: Weights) -> str:
        if not self._run_id or weights.run_id == self._run_id:
            if weights.version <= self.version and self._run_id:
                if weights.version == self.version:
                    return ""  # latched: it comes again with every connection
                raise WeightsError(
                    f"{weights} are older than version {self.version} in use; they are not taken. "
                    "Does a second learner publish from an old copy of the run folder?"
                )
            return ""
        if self._heard_run:
            raise WeightsError(
                f"{weights} come while this actor follows run {self._run_id}; two learners lead "
                "one cell. Stop one, or restart the actor to follow the other"
            )
        return f"follows run {weights.run_id} from now on (kept were weights of {self._run_id})"
