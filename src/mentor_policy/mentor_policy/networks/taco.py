"""What TACO adds to the encoder: latent actions, and heads that predict from them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mentor_policy.networks.layers import Bilinear, LayerNorm, Linear

_ACTION_HIDDEN = 64


class ActionEncoder(nn.Module):
    """Latent action a' = Linear(A, 64), Tanh, Linear(64, L).

    Args:
        action_size: A.
        latent_size: L.
    """

    def __init__(self, action_size: int, latent_size: int) -> None:
        super().__init__()
        self.first = Linear(action_size, _ACTION_HIDDEN)
        self.last = Linear(_ACTION_HIDDEN, latent_size)

    def forward(self, action: Tensor) -> Tensor:
        """Encode ``(..., A) -> (..., L)``, in the type of the weights."""
        hidden = torch.tanh(self.first(action.to(self.first.weight.dtype)))
        result: Tensor = self.last(hidden)
        return result


class TacoHeads(nn.Module):
    """Projection, action sequence, prediction, similarity and reward of TACO (arXiv 2306.13229).

    Args:
        in_features: numbers from the encoder.
        feature_dim: numbers of a projected state.
        hidden_dim: width of prediction and reward head.
        latent_size: L, numbers of a latent action.
        steps: K, actions of a sequence.
    """

    def __init__(
        self, in_features: int, feature_dim: int, hidden_dim: int, latent_size: int, steps: int
    ) -> None:
        super().__init__()
        sequence = steps * latent_size
        self.state = Linear(in_features, feature_dim)
        self.state_norm = LayerNorm(feature_dim)
        self.sequence = Linear(sequence, sequence)
        self.sequence_norm = LayerNorm(sequence)
        self.first = Linear(feature_dim + sequence, hidden_dim)
        self.last = Linear(hidden_dim, feature_dim)
        self.reward_first = Linear(feature_dim + sequence, hidden_dim)
        self.reward_last = Linear(hidden_dim, 1)
        self.similarity = Bilinear(feature_dim)

    def project(self, h: Tensor) -> Tensor:
        """Compute z, ``(B, in_features) -> (B, feature_dim)``, in the type of the weights."""
        x = self.state(h)
        return torch.tanh(self.state_norm(x.to(self.state_norm.weight.dtype)))

    def join(self, z: Tensor, latent: Tensor) -> Tensor:
        """Join state and action sequence: ``(B, feature_dim)``, ``(B, K, L) -> (B, joint)``."""
        sequence = torch.tanh(self.sequence_norm(self.sequence(latent.flatten(1))))
        return torch.cat([z, sequence], dim=-1)

    def predict(self, joint: Tensor) -> Tensor:
        """Predict the state K steps later, ``(B, feature_dim)``."""
        result: Tensor = self.last(self.first(joint).relu())
        return result

    def reward(self, joint: Tensor) -> Tensor:
        """Predict the n-step reward, ``(B, 1)``."""
        result: Tensor = self.reward_last(self.reward_first(joint).relu())
        return result

    def contrast(self, anchors: Tensor, positives: Tensor) -> Tensor:
        """Compute the cross entropy of finding each row's own positive, ``(B,)``.

        The logits are ``anchors W positives``, the row's maximum subtracted.

        Args:
            anchors: ``(B, feature_dim)``.
            positives: ``(B, feature_dim)``; the other rows are the negatives.
        """
        logits = self.similarity(anchors, positives)
        logits = logits - logits.amax(dim=1, keepdim=True).detach()
        labels = torch.arange(logits.shape[0], device=logits.device)
        return F.cross_entropy(logits, labels, reduction="none")
