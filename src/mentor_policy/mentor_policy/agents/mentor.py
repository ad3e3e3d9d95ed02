"""MENTOR: DrM with a mixture of experts as the actor and task-oriented perturbation."""

from __future__ import annotations

from torch import Tensor

from mentor_policy.agents.drm import DrMAgent
from mentor_policy.agents.drqv2 import Metrics
from mentor_policy.config import MentorConfig
from mentor_policy.networks import Routing


class MentorAgent(DrMAgent):
    """The paper's agent; its ablations are settings (``actor``, ``perturb``).

    Args: as in :class:`PixelAgent`.
    """

    settings: MentorConfig

    def _experts(self) -> tuple[int, int, int] | None:
        s = self.settings
        return (s.experts, s.top_k, s.expert_dim) if s.actor == "moe" else None

    def _extra_actor_loss(self, routing: Routing | None, metrics: Metrics) -> Tensor | None:
        """Return the load-balance loss, weighed (Alg. 2), and the router's statistics."""
        if routing is None:
            return None
        loss = routing.load_balance_loss()
        decided = Routing(routing.logits.detach(), routing.experts, routing.weights.detach())
        metrics["router/load_balance"] = loss.detach()
        metrics["router/usage"] = decided.usage()
        metrics["router/entropy"] = decided.entropy()
        return self.settings.load_balance_weight * loss
