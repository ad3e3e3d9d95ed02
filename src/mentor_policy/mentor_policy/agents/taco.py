"""TACO (arXiv 2306.13229): temporal action-driven contrastive loss and reward prediction."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mentor_policy.agents.batch import Batch
from mentor_policy.agents.drqv2 import Draws, DrQv2Agent, Metrics
from mentor_policy.agents.optimizer import Group, NamedAdam
from mentor_policy.config import TacoConfig
from mentor_policy.networks.random_shift import draw_shifts
from mentor_policy.networks.taco import ActionEncoder, TacoHeads

_VIEWS = ("taco_obs", "taco_other_obs", "taco_next_obs")


class TacoAgent(DrQv2Agent):
    """DrQ-v2 whose critic reads latent actions, and whose encoder also learns to predict.

    K, the actions of a sequence, is ``train.n_step``: the observation after them is the one that
    the n-step return bootstraps from. Rows whose episode ends earlier are predicted by nobody.

    Args: as in :class:`PixelAgent`.
    """

    settings: TacoConfig

    def _build(self) -> dict[str, nn.Module]:
        networks = super()._build()
        encoded = networks["encoder"].out_features
        assert isinstance(encoded, int)
        s, latent = self.settings, self._critic_action_size()
        networks["action_encoder"] = ActionEncoder(self.action_size, latent)
        networks["taco"] = TacoHeads(
            encoded, s.feature_dim, s.hidden_dim, latent, self.config.train.n_step
        )
        return networks

    def _critic_action_size(self) -> int:
        return self.settings.action_dim or int(1.25 * self.action_size) + 1

    def _critic_action(self, action: Tensor) -> Tensor:
        latent: Tensor = self.networks["action_encoder"](action)
        return latent

    def _critic_groups(self, rate: float) -> list[Group]:
        return [*super()._critic_groups(rate), Group(self._trained("action_encoder"), rate)]

    def _make_optimizers(self) -> dict[str, NamedAdam]:
        learned = self._trained("encoder", "action_encoder", "taco")
        taco = NamedAdam([Group(learned, self.settings.taco_learning_rate)])
        return {**super()._make_optimizers(), "taco": taco}

    @property
    def heads(self) -> TacoHeads:
        """Projection, prediction, similarity and reward."""
        return self.networks["taco"]  # type: ignore[return-value]

    def _draw(self, size: int) -> Draws:
        draws, padding = super()._draw(size), self.settings.shift_padding
        for name in _VIEWS:
            draws[f"{name}/shift"] = draw_shifts(size, padding, self.generators["updating"])
        return draws

    def update(self, batch: Batch, step: int) -> Metrics:
        """See :meth:`Agent.update`.

        Raises:
            ValueError: the batch lacks the actions of each row.
        """
        steps = self.config.train.n_step
        if batch.actions is None or batch.actions.shape[1] != steps:
            raise ValueError(f"TACO needs the {steps} actions of each row (batch.actions)")
        return super().update(batch, step)

    def _auxiliary_step(self, batch: Batch, draws: Draws, metrics: Metrics) -> None:
        """Step of encoder, action encoder and heads on TACO's loss: three terms of weight 1."""
        assert batch.actions is not None
        heads, anchors = self.heads, self._encode(_VIEWS[0], batch.obs, draws)
        with torch.no_grad():
            other = heads.project(self._encode(_VIEWS[1], batch.obs, draws))
            later = heads.project(self._encode(_VIEWS[2], batch.next_obs, draws))
        z = heads.project(anchors)
        joint = heads.join(z, self._critic_action(batch.actions))
        whole = torch.ones_like(batch.reward.squeeze(1))
        if batch.actions_mask is not None:
            whole = batch.actions_mask.all(dim=1).to(whole.dtype)
        count = whole.sum().clamp(min=1)
        prediction = (heads.contrast(heads.predict(joint), later) * whole).sum() / count
        error = (heads.reward(joint) - batch.reward).square().squeeze(1)
        reward = (error * whole).sum() / count
        curl = heads.contrast(z, other).mean()
        metrics["taco/contrast"] = prediction.detach()
        metrics["taco/reward"] = reward.detach()
        metrics["taco/curl"] = curl.detach()
        metrics["taco/gradient_norm"] = self._step_on("taco", prediction + curl + reward)
