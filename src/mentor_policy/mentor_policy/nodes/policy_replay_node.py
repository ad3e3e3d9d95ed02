"""Node: computes the mean actions of a bag again, with the weights that acted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mentor_common.bags.reader import Bag, BagError
from mentor_common.messages import topics
from mentor_common.messages.experience import observation_pixels, observation_state
from mentor_common.messages.topics import Topic
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_common.node.running import main as run_node
from mentor_msgs.msg import Action, Observation
from mentor_policy.training.recomputed_means import RecomputedMeans

if TYPE_CHECKING:  # torch takes seconds to import
    from mentor_policy.training.acted_weights import ActedWeights

REPLAYED = Topic("replayed/action", Action, topics.ACTION.qos, "policy replay")


class PolicyReplayNode(CellNode):
    """Publishes, for every recorded action and its observation, the mean as it is computed today.

    An action whose weights cannot be had is answered without a mean; ``run_id`` has the reason.
    """

    NAME = "policy_replay"
    PARAMETERS: ClassVar = (
        Param("bag", "str", "", "folder of the bag; it names the run that acted", read_only=True),
        Param("run_dir", "str", "", "folder of that run, or of its checkpoint; empty: as the bag "
              "says", read_only=True),
        Param("threads", "int", -1, "torch threads; 0: one per core, -1: as in the bag", low=-1,
              high=1024, read_only=True),
    )  # fmt: skip

    def configure(self) -> None:
        """Find the run, and subscribe to observations and actions."""
        import torch

        from mentor_policy.training.acted_weights import run_of, threads_of

        if not self.text("bag"):
            raise BagError("bag:= is needed: the folder of a bag")
        bag = Bag(Path(self.text("bag")).expanduser())
        threads = self.integer("threads")
        threads = threads_of(bag) if threads < 0 else threads
        torch.set_num_threads(threads or torch.get_num_threads())
        self._weights: ActedWeights | None = None
        self._reason = ""
        self._open(Path(self.text("run_dir")) if self.text("run_dir") else run_of(bag))
        self._means = RecomputedMeans(self._mean)
        self._replayed = self.publisher(REPLAYED)
        self.subscription(topics.OBSERVATION, self._on_observation)
        self.subscription(topics.ACTION, self._on_action)
        self.peers.publisher_of(topics.OBSERVATION)
        self.peers.publisher_of(topics.ACTION)
        self._computed = self.health.counter("means")

    def _open(self, run: Path | None) -> None:
        from mentor_policy.training.acted_weights import ActedWeights, WeightsUnknown

        if run is None:
            self._reason = "the bag does not name the run that acted; give run_dir:="
            return
        try:
            self._weights = ActedWeights(run)
        except WeightsUnknown as error:
            self._reason = f"{error}; run_dir:= names another place"
            return
        self.get_logger().info(f"weights of {run}: updates {self._weights.versions}")

    def _on_observation(self, message: Observation) -> None:
        self._means.add_observation(message)
        self._publish()

    def _on_action(self, message: Action) -> None:
        self._means.add_action(message)
        self._publish()

    def _publish(self) -> None:
        for answer in self._means.answers():
            if answer.mean:
                self._computed.add()
            self._replayed.publish(answer)

    def _mean(self, observation: Observation, version: int, evaluates: bool) -> np.ndarray:
        if self._weights is None:
            raise LookupError(self._reason)
        state = observation_state(observation) if len(observation.state) else None
        agent = self._weights.agent(version)
        # The step sets the noise only, which the mean does not have.
        pixels = observation_pixels(observation)
        return agent.act_with_mean(pixels, state, step=0, evaluate=evaluates)[1]


def main() -> None:
    """Run the node; the entry point."""
    run_node(PolicyReplayNode)
