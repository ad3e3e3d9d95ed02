"""An actor's side of ``policy_weights``: weights are checked beside acting, the newest is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentor_policy.distributed.weights import Unpacked, Weights, WeightsError, keep, kept, unpack

if TYPE_CHECKING:
    from mentor_policy.agents.base import Agent

LARGEST_VERSION = 2**48
"""No learner has published so many weights."""


def gone(publisher: bytes) -> bool:
    """Return False: nothing is known of publishers."""
    return False


class WeightsFollower:
    """Follows the weights of one run, published by one learner for as long as it exists.

    The run is the one named, else that of the kept weights, else the first one that fits. Checking
    and keeping 40 MB takes tenths of a second, so it happens in the caller's thread of
    :meth:`offer`; the acting thread takes the result at a step's boundary with :meth:`take`.

    Args:
        agent: agent whose networks the weights must fit; it is not touched here.
        config: the ``agent`` section that the actor runs.
        folder: where the last weights are kept, for the next start; None keeps none.
        run_id: id of the run to follow; empty: see above.
    """

    def __init__(
        self, agent: Agent, config: dict[str, Any], folder: Path | None, run_id: str = ""
    ) -> None:
        self._own = agent.acting_state()
        self._config = config
        self._folder = folder
        self._lock = threading.Lock()
        self._ready: tuple[Weights, Unpacked] | None = None
        self._publisher: bytes | None = None
        self.run_id = run_id
        """The run that is followed; empty until the first weights."""
        self.version = 0
        """Version of the newest checked weights; 0 before the first."""
        self.update = 0
        """Gradient updates behind them."""
        self.came: float | None = None
        """time.monotonic() of the newest checked weights that arrived over the topic."""
        self.refused = 0
        """How many were refused."""

    def restore(self) -> str:
        """Take the weights that were kept last.

        Returns:
            What they are, as text; empty if there are none.

        Raises:
            WeightsError: they are damaged, of another agent, or of another run than the one named.
        """
        weights = None if self._folder is None else kept(self._folder)
        if weights is None:
            return ""
        if self.run_id and weights.run_id != self.run_id:
            raise WeightsError(
                f"kept are {weights}, to be followed is run {self.run_id}: give another run_dir"
            )
        self._take_note(weights, unpack(weights, self._config, self._own))
        return str(weights)

    def offer(
        self,
        weights: Weights,
        publisher: bytes = b"",
        is_gone: Callable[[bytes], bool] = gone,
    ) -> str:
        """Check weights that arrived over the topic, and keep them.

        Args:
            weights: as they arrived.
            publisher: who published them.
            is_gone: whether a publisher has left.

        Returns:
            What there is to report about them; empty if nothing.

        Raises:
            WeightsError: they are refused; those in use stay.
        """
        try:
            notice = self._check_origin(weights, publisher, is_gone)
            if notice is None:
                return ""  # transient local: they come again with every connection
            unpacked = unpack(weights, self._config, self._own)
        except WeightsError:
            self.refused += 1
            raise
        self._publisher = publisher
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
        return notice

    def take(self) -> tuple[Weights, Unpacked] | None:
        """Return the newest checked weights, once; None if there are no newer ones."""
        with self._lock:
            ready, self._ready = self._ready, None
        return ready

    def _take_note(self, weights: Weights, unpacked: Unpacked) -> None:
        with self._lock:
            self._ready = (weights, unpacked)
        self.run_id, self.version, self.update = weights.run_id, weights.version, weights.update

    def _check_origin(
        self, weights: Weights, publisher: bytes, is_gone: Callable[[bytes], bool]
    ) -> str | None:
        """Return what there is to report, None for weights that are in use already."""
        if self.run_id and weights.run_id != self.run_id:
            raise WeightsError(
                f"{weights} come while this actor follows run {self.run_id}. To follow another "
                "run, start the actor with another run_dir, or name the run by its parameter run_id"
            )
        if not 0 < weights.version <= LARGEST_VERSION or weights.update > LARGEST_VERSION:
            raise WeightsError(f"{weights}: no learner has published so many")
        if self._publisher is None:  # the first since this start; kept ones may be of a later day
            return self._compare(weights, strict=False)
        if publisher == self._publisher:
            return self._compare(weights, strict=True)
        if not is_gone(self._publisher):
            raise WeightsError(
                f"{weights} come from somebody else than the learner that is followed, which is "
                "still there; two learners lead one cell. Stop one"
            )
        return self._compare(weights, strict=False)

    def _compare(self, weights: Weights, strict: bool) -> str | None:
        if weights.version > self.version:
            return ""
        if weights.version == self.version:
            return None
        if strict:
            raise WeightsError(
                f"{weights} are older than version {self.version} in use; they are not taken. "
                "Does a second learner publish from an old copy of the run folder?"
            )
        return (
            f"follows {weights} from now on, older than version {self.version} in use so far: the "
            "learner continues from an older state of its run"
        )
