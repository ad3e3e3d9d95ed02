"""TACO (arXiv 2306.13229): temporal action-driven contrastive loss and reward prediction."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mentor_policy.agents.batch import Batch
from mentor_policy.agents.drqv2 import DrQv2Agent, Metrics
from mentor_policy.config import TacoConfig
from mentor_policy.networks import TwinCritic
from mentor_policy.networks.taco import TacoHeads


class TacoAgent(DrQv2Agent):
    """DrQ-v2 whose critic reads encoded actions, and whose encoder also learns to predict.

    K, the actions joined in a prediction, is ``train.n_step``: the observation after them is the
    one that the n-step return bootstraps from. Rows whose episode ends earlier do not count.

    Args: as of :class:`DrQv2Agent`.
    """

    settings: TacoConfig

    def _build(self) -> dict[str, nn.Module]:
        networks = super()._build()
        encoded = networks["encoder"].out_features
        assert isinstance(encoded, int)
        s = self.settings
        networks["taco"] = TacoHeads(
            encoded,
            s.feature_dim,
            s.hidden_dim,
            self.action_size,
            self._critic_action_size(),
            self.config.train.n_step,
            s.predict_reward,
        )
        return networks

    def _critic_action_size(self) -> int:
        return self.settings.action_dim or math.ceil(1.25 * self.action_size)

    @property
    def heads(self) -> TacoHeads:
        """Action encoder, projections and predictors."""
        return self.networks["taco"]  # type: ignore[return-value]

    def _q(self, critic: TwinCritic, z: Tensor, action: Tensor) -> Tensor:
        return critic.heads(z, self.heads.encode_action(action))

    def _extra_losses(
        self, batch: Batch, h: Tensor, h_next: Tensor, q: Tensor, metrics: Metrics
    ) -> Tensor | None:
        steps = self.config.train.n_step
        if batch.actions is None or batch.actions.shape[1] != steps:
            raise ValueError(f"TACO needs the {steps} actions of each row (batch.actions)")
        keep = None if batch.actions_mask is None else batch.actions_mask.all(dim=1)
        heads = self.heads
        z = heads.project(h)
        joint = heads.join(z, batch.actions)
        with torch.no_grad():
            later = heads.project(h_next)
        loss = heads.contrast(heads.predict(joint), later, keep)
        metrics["taco/contrast"] = loss.detach()
        if self.settings.curl:
            with torch.no_grad():
                other_view = heads.project(self._encode(self._augmented(batch.obs)))
            curl = heads.contrast(z, other_view)
            metrics["taco/curl"] = curl.detach()
            loss = loss + curl
        if self.settings.predict_reward:
            error = (heads.reward(joint) - batch.reward).square().squeeze(1)
            reward = error.mean() if keep is None else (error * keep).sum() / keep.sum().clamp(1)
            metrics["taco/reward"] = reward.detach()
            loss = loss + reward
        return loss
