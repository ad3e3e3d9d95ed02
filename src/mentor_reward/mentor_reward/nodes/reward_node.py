"""Node: motions and observations in, rewards of the cable routing task out (eq. 7)."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from builtin_interfaces.msg import Time

from mentor_common.messages import topics
from mentor_common.messages.experience import ExperienceError, observation_pixels
from mentor_common.node import health
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_common.node.running import main as run_node
from mentor_common.tasks.cable_routing import KIND, cable_reward_of
from mentor_common.tasks.task import find_task
from mentor_msgs.msg import Motion, Observation, Reward
from mentor_reward.rewards.cable_routing import (
    JudgedStep,
    SlotStateReader,
    judge_fault,
    judge_states,
)
from mentor_reward.rewards.true_states import TRUE_STATES, TrueStates, read_true_states
from mentor_reward.step_join import StepEvidence, StepJoin

_TICK = 0.05  # seconds of wall time between two looks at steps of which something has not come


class RewardNode(CellNode):
    """Publishes Reward(e, k) for every step k >= 1, once its Motion and its Observation are there.

    A step whose motion failed, or of which no observation comes in ``observation_timeout``, is told
    as not valid and ends the episode as truncated: nothing is learned from it.
    """

    PARAMETERS: ClassVar = (
        Param(
            "task", "str", "cable_routing", "name of the task or path of its YAML", read_only=True
        ),
        Param(
            "states", "str", "classified",
            "whose states are rewarded: those classified from images, or the truth of a twin",
            choices=("classified", "truth"), read_only=True,
        ),
        Param(
            "weights", "str", "",
            "folder of the classifiers' weights; empty: those that come with the package",
            read_only=True,
        ),
        Param(
            "max_steps", "int", 0, "steps after which an episode is truncated; 0: as the task says",
            low=0, high=1_000_000, read_only=True,
        ),
        Param(
            "observation_timeout", "float", 2.0,
            "seconds of wall time after a motion in which its observation must come",
            low=0.1, high=60.0, read_only=True,
        ),
        Param(
            "threads", "int", 1, "threads of the classifiers", low=1, high=16, read_only=True
        ),
    )  # fmt: skip

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__("reward", **node_arguments)

    def configure(self) -> None:
        """Loads the classifiers and makes the subscriptions."""
        task = find_task(self.text("task"))
        if task.reward.kind != KIND:
            raise ValueError(
                f"task {task.name} has a reward of kind {task.reward.kind}; known: cable_routing"
            )
        self._eq_7 = cable_reward_of(task)
        self._max_steps = self.integer("max_steps") or task.episode.max_steps
        use_truth = self.text("states") == "truth"
        self._join: StepJoin[Motion, Observation, TrueStates] = StepJoin(
            needs_truth=use_truth, timeout_s=self.number("observation_timeout")
        )
        self._reader = None
        if use_truth:
            self.subscription(TRUE_STATES, self._on_truth, hot=True)
            self.peers.publisher_of(TRUE_STATES)
        else:
            self._reader = self._load_reader(task.layout)
        self._rewards = self.publisher(topics.REWARD)
        self.subscription(topics.MOTION, self._on_motion, hot=True)
        self.subscription(topics.OBSERVATION, self._on_observation, hot=True)
        self.peers.publisher_of(topics.MOTION)
        self.peers.publisher_of(topics.OBSERVATION)
        self.peers.subscriber_of(topics.REWARD, "agent", required=False)
        self._ticker = self.ticker(_TICK, self._judge_ready)
        self._judged = self.health.rate("rewards")
        self._value = self.health.gauge("reward")
        self._reading = self.health.timing("reading of both slots")
        self._faults = self.health.counter("steps that are not valid")
        self._repeated = self.health.counter("repeated messages")

    def _load_reader(self, layout: Any) -> SlotStateReader:
        # Torch takes seconds to import, and is not needed for true states.
        import torch

        from mentor_reward.classifier.slot_classifier import load_classifiers

        torch.set_num_threads(self.integer("threads"))
        return SlotStateReader(load_classifiers(self.text("weights") or None), layout)

    def _on_motion(self, message: Motion) -> None:
        self._join.add_motion(message.episode, message.step, message, time.monotonic())
        if message.failed:
            # No need to wait for what would not be learned from.
            evidence = self._join.finish(message.episode, message.step)
            if evidence is not None and message.step > 0:
                reason = message.reason or "the motion failed"
                self._publish(evidence, judge_fault(f"motion failed: {reason}"), message.end)
        self._judge_ready()

    def _on_observation(self, message: Observation) -> None:
        self._join.add_observation(message.episode, message.step, message, time.monotonic())
        self._judge_ready()

    def _on_truth(self, message: Any) -> None:
        states = read_true_states(message)
        self._join.add_truth(states.episode, states.step, states, time.monotonic())
        self._judge_ready()

    def _judge_ready(self) -> None:
        for evidence in self._join.collect(time.monotonic()):
            if evidence.step == 0:
                continue  # the observation of a reset; no action led there
            verdict = self._judge(evidence)
            if evidence.motion is not None:
                stamp = evidence.motion.end
            elif evidence.observation is not None:
                stamp = evidence.observation.header.stamp
            else:
                stamp = self.get_clock().now().to_msg()
            self._publish(evidence, verdict, stamp)
        self._repeated.add(self._join.duplicates - self._repeated.total)
        self._ticker.want(self._join.waiting > 0)

    def _judge(self, evidence: StepEvidence[Motion, Observation, TrueStates]) -> JudgedStep:
        if evidence.missing:
            who = {"motion": "arm", "observation": "stacker", "truth": "twin"}
            waited = f"in {self._join.timeout_s:g} s"
            return judge_fault(
                "; ".join(f"no {part} from the {who[part]} {waited}" for part in evidence.missing)
            )
        if self._reader is None:
            assert evidence.truth is not None
            states = (evidence.truth.slot_1, evidence.truth.slot_2)
        else:
            assert evidence.observation is not None
            try:
                with self._reading.measured():
                    states = self._reader.read(observation_pixels(evidence.observation))
            except (ExperienceError, ValueError) as error:
                return judge_fault(str(error))
        return judge_states(*states, evidence.step, self._max_steps, self._eq_7)

    def _publish(
        self, evidence: StepEvidence[Any, Any, Any], verdict: JudgedStep, stamp: Time
    ) -> None:
        message = Reward(
            episode=evidence.episode,
            step=evidence.step,
            value=float(verdict.value),
            term_names=list(verdict.terms),
            terms=list(verdict.terms.values()),
            terminated=False,
            truncated=verdict.truncated,
            success=verdict.success,
            valid=verdict.valid,
            reason=verdict.reason,
        )
        message.header.stamp = stamp
        self._rewards.publish(message)
        self._judged.add()
        if verdict.valid:
            self._value.set(verdict.value)
            self.health.solved("fault")
            return
        self._faults.add()
        text = f"episode {evidence.episode} is cut off at step {evidence.step}: {verdict.reason}"
        self.health.problem("fault", health.ERROR, text)
        self.get_logger().error(text)


def main() -> None:
    """Entry point."""
    run_node(RewardNode)


if __name__ == "__main__":
    main()
