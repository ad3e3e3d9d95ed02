"""The heads of TACO: action encoder, projections, reward predictor."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mentor_policy.networks.layers import LayerNorm, Linear

_ACTION_HIDDEN = 64


class TacoHeads(nn.Module):
    """What TACO (arXiv 2306.13229) adds to the encoder.

    Args:
        in_features: numbers from the encoder.
        feature_dim: numbers of a projected state.
        hidden_dim: width of predictor and reward head.
        action_size: A.
        action_dim: numbers of an encoded action.
        steps: K, actions joined in a prediction.
        predict_reward: whether there is a reward head.
    """

    def __init__(
        self,
        in_features: int,
        feature_dim: int,
        hidden_dim: int,
        action_size: int,
        action_dim: int,
        steps: int,
        predict_reward: bool,
    ) -> None:
        super().__init__()
        joint = feature_dim + steps * action_dim
        self.action_first = Linear(action_size, _ACTION_HIDDEN)
        self.action_last = Linear(_ACTION_HIDDEN, action_dim)
        self.state = Linear(in_features, feature_dim)
        self.state_norm = LayerNorm(feature_dim)
        self.first = Linear(joint, hidden_dim)
        self.last = Linear(hidden_dim, feature_dim)
        self.bilinear = Linear(feature_dim, feature_dim)
        if predict_reward:
            self.reward_first = Linear(joint, hidden_dim)
            self.reward_last = Linear(hidden_dim, 1)

    def encode_action(self, action: Tensor) -> Tensor:
        """psi(a), ``(..., A) -> (..., action_dim)``."""
        result: Tensor = self.action_last(self.action_first(action).relu())
        return result

    def project(self, h: Tensor) -> Tensor:
        """G(h), ``(B, in_features) -> (B, feature_dim)`` float32."""
        x = self.state(h)
        return torch.tanh(self.state_norm(x.to(self.state_norm.weight.dtype)))

    def join(self, z: Tensor, actions: Tensor) -> Tensor:
        """Projected state and K encoded actions, ``(B, feature_dim + K action_dim)``."""
        return torch.cat([z, self.encode_action(actions).flatten(1)], dim=-1)

    def predict(self, joint: Tensor) -> Tensor:
        """H: the projected state K steps later, ``(B, feature_dim)``."""
        result: Tensor = self.last(self.first(joint).relu())
        return result

    def reward(self, joint: Tensor) -> Tensor:
        """The K-step reward, ``(B, 1)``."""
        result: Tensor = self.reward_last(self.reward_first(joint).relu())
        return result

    def contrast(self, anchors: Tensor, positives: Tensor, keep: Tensor | None = None) -> Tensor:
        """InfoNCE with a bilinear score: row i of ``positives`` is the match of row i.

        Args:
            anchors: ``(B, feature_dim)``.
            positives: ``(B, feature_dim)``, the other rows are the negatives.
            keep: ``(B,) bool``, anchors that count; None for all.

        Returns:
            Mean over the anchors that count, 0-d; 0 if none does.
        """
        scores = anchors @ self.bilinear(positives).T
        losses = F.cross_entropy(scores, torch.arange(len(scores)), reduction="none")
        if keep is None:
            return losses.mean()
        return (losses * keep).sum() / keep.sum().clamp(min=1)
